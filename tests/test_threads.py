"""Work on threads comes back in order, lazily, with its errors."""

import threading
import time

import pytest

from indexer.threads import Ahead, in_order


@pytest.mark.parametrize("threads", [1, 3])
def test_results_come_in_the_order_of_the_items(threads):
    def work(item):
        time.sleep(0.002 * (item % 3))
        return item * item

    assert list(in_order(work, range(30), threads)) == [i * i for i in range(30)]
    assert list(in_order(work, [], threads)) == []


@pytest.mark.parametrize("threads", [1, 3])
def test_no_more_is_taken_than_is_at_work(threads):
    taken = []
    results = in_order(lambda item: item, (taken.append(i) or i for i in range(1000)), threads)
    assert next(results) == 0 and len(taken) <= threads + 1
    results.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("ThreadPool")]


@pytest.mark.parametrize("threads", [1, 3])
def test_an_error_comes_at_its_place(threads):
    results = in_order(lambda item: 1 // (item - 2), range(9), threads)
    assert [next(results), next(results)] == [-1, -1]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_a_thread_computes_ahead_as_far_as_there_is_room():
    made = []
    with Ahead((made.append(i) or i for i in range(100)), lambda _: 10, 50) as results:
        deadline = time.monotonic() + 5
        while len(made) < 6 and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(0.01)
        assert made == list(range(6))  # five wait, one has no room
        assert list(results) == list(range(100))


def test_what_is_not_wanted_any_more_is_not_computed():
    made = []

    def results():
        yield from in_order(lambda i: made.append(i) or i, range(1000), 2)

    with pytest.raises(KeyError), Ahead(results(), lambda _: 1, 3):
        raise KeyError
    assert len(made) <= 10
    assert not [t for t in threading.enumerate() if t.name == "ahead" or t.name.startswith("ThreadPool")]


def test_an_error_ahead_comes_at_its_place():
    with Ahead((1 // (2 - i) for i in range(9)), lambda _: 1, 100) as results:
        found = iter(results)
        assert [next(found), next(found)] == [0, 1]
        with pytest.raises(ZeroDivisionError):
            next(found)
