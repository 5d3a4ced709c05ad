"""From the log to arrays: counts by rank agree with a plain recount, and what must not count does not."""

from collections import Counter

import numpy as np
import pytest
from examples import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ranker.clicklog import ClickLog, ClickLogCorrupt, Event, Impression
from ranker.hygiene import Rules, validate
from ranker.sessions import NUM_RANKS, normalised, read_clicks


@pytest.fixture
def log(tmp_path):
    with ClickLog(tmp_path / "clicks.sqlite3") as log:
        yield log


def shown(query_id, keys, text="q", value=0.0, **changes) -> Impression:
    """An impression whose vectors hold ``value`` and the position of the key in the alphabet."""
    vectors = np.array([[value, ord(key[0])] for key in keys], np.float32)
    return Impression(
        query_id, **{"timestamp": 1, "user_query": text, "keys": list(keys), "features": vectors, "feature_fingerprint": "f", **changes}
    )


def click(query_id, key, number=0) -> Event:
    return Event(f"{query_id}-{key}-{number}", query_id, "click", 2, object_id=key)


def cells(data, counts) -> dict:
    """(query, key, rank from 1) to count."""
    names = [(data.queries[query], key) for query, key in zip(data.row_query, data.row_key)]
    return {(*names[r], int(k) + 1): int(counts[r, k]) for r, k in np.argwhere(counts)}


def test_counts_are_by_query_key_and_rank(log):
    log.write([shown("1", "ab"), shown("2", "ba"), shown("3", "ab", "other")], [click("1", "a"), click("2", "a"), click("3", "b")])
    data = read_clicks(log)
    assert cells(data, data.shown) == {
        ("q", "a", 1): 1, ("q", "b", 2): 1, ("q", "b", 1): 1, ("q", "a", 2): 1, ("other", "a", 1): 1, ("other", "b", 2): 1,
    }  # fmt: skip
    assert cells(data, data.clicked) == {("q", "a", 1): 1, ("q", "a", 2): 1, ("other", "b", 2): 1}
    assert (data.num_sessions, data.num_clicks) == (3, 3)


def test_sessions_keep_their_order_and_clicks(log):
    log.write([shown("1", "abc"), shown("2", "cb")], [click("2", "b")])
    sessions = read_clicks(log).sessions
    assert sessions.offsets.tolist() == [0, 3, 5]
    assert sessions.rows.tolist() == [0, 1, 2, 2, 1]
    assert sessions.ranks.tolist() == [0, 1, 2, 0, 1]
    assert sessions.clicked.tolist() == [False, False, False, False, True]


def test_a_document_counts_one_click_an_impression(log):
    log.write([shown("1", "ab")], [click("1", "a", n) for n in range(5)])
    assert read_clicks(log).num_clicks == 1


def test_clicks_on_what_was_not_shown_are_counted_and_ignored(log):
    log.write([shown("1", "ab")], [click("1", "z"), click("1", "a"), click("nobody", "a")])
    data = read_clicks(log)
    assert data.num_clicks == 1
    assert data.ignored == {"click_not_shown": 1}


def test_spellings_of_a_query_are_one(log):
    log.write([shown("1", "a", "Ｐｙｔｈｏｎ  Lists"), shown("2", "a", "python lists ")], [])
    data = read_clicks(log)
    assert (data.queries, data.texts) == (["python lists"], ["python lists "])
    assert normalised(" Straße\tＡ ") == "strasse a"


def test_the_newest_vector_wins(log):
    log.write([shown("1", "ab", value=1.0)], [])
    log.write([shown("2", "ac", value=2.0)], [])
    log.write([shown("3", "ab", value=1.0, features=None)], [])
    assert read_clicks(log).X.tolist() == [[2.0, 97.0], [1.0, 98.0], [2.0, 99.0]]
    log.write([shown("4", "ab", value=1.0)], [])
    assert read_clicks(log).X.tolist() == [[1.0, 97.0], [1.0, 98.0], [2.0, 99.0]]


def test_vectors_of_another_feature_set_are_not_mixed_in(log):
    log.write([shown("1", "ab", feature_fingerprint="old"), shown("2", "bc", value=3.0)], [click("1", "b"), click("1", "a")])
    data = read_clicks(log)
    assert data.feature_fingerprint == "f"
    assert data.row_key == ["b", "c"]
    assert data.ignored == {"row_without_features": 1}
    assert cells(data, data.clicked) == {("q", "b", 2): 1}
    assert data.sessions.offsets.tolist() == [0, 1, 3]
    assert read_clicks(log, feature_fingerprint="old").row_key == ["a", "b"]


def test_logs_without_vectors_can_still_be_counted(log):
    log.write([shown("1", "ab", features=None)], [click("1", "a")])
    assert read_clicks(log).row_key == []
    data = read_clicks(log, require_features=False)
    assert data.row_key == ["a", "b"]
    assert data.X.shape == (2, 0)


def test_vectors_of_two_lengths_under_one_name_are_refused(log):
    log.write([shown("1", "ab"), shown("2", "cd", features=np.ones((2, 5), np.float32))], [])
    with pytest.raises(ClickLogCorrupt, match=r"expected one vector length, found \[2, 5\]"):
        read_clicks(log)


def test_pages_of_one_query_keep_their_ranks(log):
    log.write(
        [shown("1", "ab"), shown("1", "cd", first_rank=3), shown("1", "ef", first_rank=NUM_RANKS)], [click("1", "d"), click("1", "f")]
    )
    data = read_clicks(log)
    assert cells(data, data.shown) == {("q", k, r): 1 for k, r in (("a", 1), ("b", 2), ("c", 3), ("d", 4), ("e", 20))}
    assert cells(data, data.clicked) == {("q", "d", 4): 1}
    assert data.ignored == {"click_not_shown": 1}


def test_empty_lists_are_left_out(log):
    log.write([shown("1", ""), shown("2", "a", first_rank=50)], [])
    data = read_clicks(log)
    assert (data.num_sessions, data.ignored) == (0, {"nothing_shown": 2})


def test_an_empty_log_gives_empty_arrays(log):
    data = read_clicks(log)
    assert (data.num_sessions, data.num_clicks, data.X.shape, data.shown.shape) == (0, 0, (0, 0), (0, NUM_RANKS))


def test_simulated_and_old_impressions_can_be_told_apart(log):
    log.write([shown("1", "a", simulated=True), shown("2", "b", timestamp=5)], [])
    assert read_clicks(log, simulated=True).row_key == ["a"]
    assert read_clicks(log, simulated=False).row_key == ["b"]
    assert read_clicks(log, since=3).row_key == ["b"]


def test_several_logs_are_one_set(log, tmp_path):
    with ClickLog(tmp_path / "other.sqlite3") as other:
        log.write([shown("1", "ab")], [click("1", "a")])
        other.write([shown("2", "bc")], [click("2", "b")])
        data = read_clicks([log, other])
    assert data.row_key == ["a", "b", "c"]
    assert data.num_clicks == 2


def test_one_client_counts_no_more_than_the_rules_allow(log):
    log.write([shown(f"r{n}", "ab", client_id="robot") for n in range(9)] + [shown(f"p{n}", "ab", client_id=f"c{n}") for n in range(3)], [])
    log.append([click(f"r{n}", "b") for n in range(9)])
    data = read_clicks(log, rules=Rules(per_client_query=2))
    assert (data.num_sessions, data.num_clicks, data.ignored) == (5, 2, {"repeated_by_client": 7})
    busy = read_clicks(log, rules=Rules(per_client_query=2, per_client_day=5))
    assert (busy.num_sessions, busy.num_clicks, busy.ignored) == (3, 0, {"client_too_busy": 9})


def test_validate_reports_what_reading_leaves_out(log):
    log.write([shown(f"r{n}", "ab", client_id="robot") for n in range(7)] + [shown("e", ""), shown("n", "ab", features=None)], [])
    log.append([click("r0", "a"), click("r0", "a", 1), click("r0", "z"), click("nobody", "a"), click("r6", "b")])
    report = validate(log)
    assert (report.impressions, report.clicks) == (9, 5)
    assert {reason: n for reason, n in report.impressions_left_out.items() if n} == {
        "repeated_by_client": 2, "nothing_shown": 1, "without_features": 1,
    }  # fmt: skip
    assert {reason: n for reason, n in report.clicks_left_out.items() if n} == {
        "impression_unknown": 1, "not_shown": 1, "clicked_again": 1, "impression_left_out": 1,
    }  # fmt: skip


def test_a_copied_log_counts_once(log, tmp_path):
    with ClickLog(tmp_path / "copy.sqlite3") as copy:
        for one in (log, copy):
            one.write([shown("1", "ab"), shown("2", "ab", timestamp=5)], [click("1", "a")])
        data = read_clicks([log, copy])
    assert (data.num_sessions, data.num_clicks, data.ignored) == (2, 1, {"in_two_logs": 2})


def test_two_servers_may_use_the_same_ids(log, tmp_path):
    with ClickLog(tmp_path / "other.sqlite3") as other:
        log.write([shown("1", "ab")], [click("1", "a")])
        other.write([shown("1", "cd", "another")], [click("1", "c")])
        data = read_clicks([log, other])
    assert (data.num_sessions, data.num_clicks, data.ignored) == (2, 2, {})
    assert cells(data, data.clicked) == {("q", "a", 1): 1, ("another", "c", 1): 1}


@pytest.mark.parametrize(("position", "counts"), [(-1, 0), (0, 1), (1, 1), (2, 1), (3, 0), (999, 0), (None, 1)])
def test_a_click_below_the_list_is_impossible(log, position, counts):
    log.write([shown("1", "ab")], [click("1", "a")._replace(position=position)])
    assert read_clicks(log).num_clicks == counts
    assert validate(log).clicks_left_out["impossible_position"] == 1 - counts


def test_who_clicks_on_everything_was_not_choosing(log):
    many, few = "abcdefghijkl", "abc"
    log.write([shown("robot", many), shown("person", many), shown("short", few)], [])
    log.append([click("robot", key) for key in many] + [click("person", key) for key in many[:-1]] + [click("short", key) for key in few])
    data = read_clicks(log)
    assert (data.num_sessions, data.num_clicks, data.ignored) == (2, 14, {"clicked_on_everything": 1})
    assert validate(log).impressions_left_out["clicked_on_everything"] == 1
    assert validate(log).clicks_left_out["impression_left_out"] == 12


def test_a_clock_that_jumps_is_remarked_on_and_moves_nothing(log):
    hour = 3_600_000
    log.write([shown("1", "ab", timestamp=100 * hour), shown("2", "ab", timestamp=-50 * hour)], [click("1", "a"), click("2", "b")])
    assert read_clicks(log).num_clicks == 2
    assert validate(log).remarks == {"click_before_its_search": 1, "search_far_from_its_arrival": 2}


def test_clicks_without_any_impression_teach_nothing(log):
    log.append([click(f"{n}", "a") for n in range(20)])
    data = read_clicks(log)
    assert (data.num_sessions, data.num_clicks, data.num_rows) == (0, 0, 0)
    assert validate(log).clicks_left_out["impression_unknown"] == 20


def recounted(impressions, clicks) -> tuple[Counter, Counter]:
    """The same counts, so plainly that they cannot be wrong."""
    shown_at, clicked_at = Counter(), Counter()
    for name, text, keys in impressions:
        for rank, key in enumerate(keys, 1):
            shown_at[text, key, rank] += 1
            clicked_at[text, key, rank] += (name, key) in clicks
    return shown_at, +clicked_at


@settings(max_examples=examples(40), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("pqr"), st.lists(st.sampled_from("abcdef"), unique=True, max_size=5)), max_size=12),
    st.lists(st.tuples(st.integers(0, 14), st.sampled_from("abcdefg")), max_size=30),
)
def test_counts_agree_with_a_plain_recount(tmp_path_factory, lists, clicks):
    impressions = [(str(n), text, keys) for n, (text, keys) in enumerate(lists)]
    with ClickLog(tmp_path_factory.mktemp("log") / "clicks.sqlite3") as log:
        log.write([shown(name, keys, text) if keys else shown(name, "", text) for name, text, keys in impressions], [])
        log.append([click(str(n), key, i) for i, (n, key) in enumerate(clicks)])
        data = read_clicks(log)
    expected = recounted(impressions, {(str(n), key) for n, key in clicks})
    assert (cells(data, data.shown), cells(data, data.clicked)) == expected
