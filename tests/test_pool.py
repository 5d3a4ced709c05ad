"""Runs whose terms lie in pools make the segments of runs that have their own; whole numbers are put in order as Python does."""

import numpy as np
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.documents import Document
from indexer.gathering import Gathering
from indexer.inverter import Run, analyzers_of, invert, invert_gathered
from indexer.merge import write_segment
from indexer.pool import Pool, united
from indexer.radix import stable_order
from indexer.reorder import reorder
from indexer.schema import Schema
from indexer.string_order import sorted_strings
from indexer.strings import pack

SCHEMA = Schema.from_dict({"fields": {"title": {"type": "text", "analyzer": "whitespace"}, "body": {"type": "text"}}})
PIECES = [
    "a",
    "bb",
    "running",
    "機器學習",
    "机器学习引擎",
    "中",
    "iPhone15",
    "1,000",
    "\x01x",
    "é",
    "a-very-long-word-of-many-letters",
    " ",
]
texts = st.lists(st.sampled_from(PIECES), max_size=8).map(" ".join)
WAYS = ["own", "first", "second", "saved"]
batches = st.lists(st.tuples(st.lists(st.tuples(st.integers(0, 9), texts, texts), max_size=5), st.sampled_from(WAYS)), max_size=6)


def as_documents(batch) -> list[Document]:
    return [Document(f"{key}", {"title": title, "body": body}) for key, title, body in batch]


def pooled(batch, pool: Pool | None) -> Run:
    analyzers = analyzers_of(SCHEMA, None)
    gathering = Gathering(SCHEMA, analyzers)
    for document in as_documents(batch):
        gathering.add(document)
    return invert_gathered(gathering.gathered(), analyzers, pool)


def runs_of(batches, folder) -> list[Run]:
    """A run of every batch, each in its way: with own terms, in one of two pools, or out of one and saved."""
    pools, found = {"first": Pool(), "second": Pool(), "saved": Pool()}, []
    for number, (batch, way) in enumerate(batches):
        run = pooled(batch, pools.get(way))
        if way == "saved":
            run.save(folder / f"{number}")
            run = Run.load(folder / f"{number}", SCHEMA)
        found.append(run.copied(SCHEMA))
    for pool in pools.values():
        pool.seal()
    return found


@settings(max_examples=examples(40))
@given(batches)
def test_pools_change_no_byte_of_a_segment(tmp_path_factory, batches):
    folder = tmp_path_factory.mktemp("pools")
    write_segment([invert(as_documents(batch), SCHEMA) for batch, _ in batches], SCHEMA, folder / "expected")
    write_segment(runs_of(batches, folder), SCHEMA, folder / "found")
    assert (folder / "found").read_bytes() == (folder / "expected").read_bytes()


@settings(max_examples=examples(40))
@given(batches.filter(lambda batches: any(batch for batch, _ in batches)))
def test_pools_change_nothing_in_a_new_order(tmp_path_factory, batches):
    folder = tmp_path_factory.mktemp("pools")
    plain = reorder([invert(as_documents(batch), SCHEMA) for batch, _ in batches], SCHEMA, folder)
    found = reorder(runs_of(batches, folder), SCHEMA, folder)
    for name in ("docs", "tfs", "tokens"):
        assert np.array_equal(getattr(found, name), getattr(plain, name)), name
    assert found.terms.texts() == plain.terms.texts() and found.keys.texts() == plain.keys.texts()


@given(batches)
def test_a_run_says_its_terms_by_their_places(tmp_path_factory, batches):
    runs = runs_of(batches, tmp_path_factory.mktemp("pools"))
    union, places = united(runs)
    spelled = union.texts()
    assert spelled == sorted(set(spelled))
    for run, place, (batch, _) in zip(runs, places, batches, strict=True):
        plain = invert(as_documents(batch), SCHEMA)
        found = {spelled[p]: run.docs[a:b].tolist() for p, a, b in zip(place, run.ptr, run.ptr[1:])}
        assert found == {term: plain.docs[a:b].tolist() for term, a, b in zip(plain.terms.texts(), plain.ptr, plain.ptr[1:])}


def test_a_pool_tells_what_it_gained():
    pool = Pool()
    assert pool.grown() == 0
    pooled([(i, "", f"word{i}" * 5) for i in range(5000)], pool)
    assert pool.grown() > 5000 * 20 and pool.grown() == 0


def test_many_terms_of_a_pool_have_room_of_their_own():
    pool = Pool()
    runs = [pooled([(i, f"w{i} w{i + 1}", "") for i in range(first, first + 4000)], pool) for first in (0, 2000, 60_000)]
    assert not pool.with_names(pool.names).any()
    union, places = united(runs)
    assert union.texts() == sorted({f"w{i}" for first in (0, 2000, 60_000) for i in range(first, first + 4001)})
    assert [len(place) for place in places] == [4001] * 3


@pytest.mark.parametrize("largest", [0, 5, 2047, 2048, 1 << 22, (1 << 32) - 1])
@given(data=st.data())
def test_numbers_are_ordered_as_python_orders_them(largest, data):
    keys = data.draw(st.lists(st.integers(0, largest)))
    assert stable_order(np.array(keys, np.uint32)).tolist() == sorted(range(len(keys)), key=keys.__getitem__)


@given(st.sets(st.text(st.sampled_from("ab文𠀀\x00"), max_size=12)))
def test_sorted_strings_know_where_each_went(found):
    found = list(found)
    ordered, places = sorted_strings(pack(found))
    assert ordered.texts() == sorted(found)
    assert [ordered.text(place) for place in places] == found
