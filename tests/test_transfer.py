"""Logs in and out: nothing is lost in our own form, others' forms carry what they can, real UBI logs come in, bad lines are named."""

import gzip
import json

import numpy as np
import pytest
import zstandard
from fake_engine import FakeEngine
from shared_data import shared

from ranker.clicklog import ClickLog, Event, Impression
from ranker.events import check_event
from ranker.sessions import read_clicks
from ranker.simulate import simulate
from ranker.transfer import EXPORTERS, BadTransfer, export_lines, import_file, import_lines
from ranker.transfer_records import iso, milliseconds


@pytest.fixture
def log(tmp_path):
    with ClickLog(tmp_path / "clicks.sqlite3") as log:
        yield log


@pytest.fixture
def full(tmp_path):
    with ClickLog(tmp_path / "full.sqlite3") as log:
        engine = FakeEngine(num_queries=5)
        simulate(engine, log, engine.queries, engine.judgments, "dbn", 60, 1)
        log.write([Impression("p", 5, "两页", ["a", "b"], client_id="c"), Impression("p", 6, "两页", ["x"], first_rank=11)], [])
        log.append([Event("buy", "p", "purchase", 7, "b", None, client_id="c", message="好", attributes=None)])
        yield log


def lines(*records):
    return [json.dumps(record).encode() for record in records]


def everything(log):
    """All records, with arrays as lists."""
    shown = [tuple(v.tolist() if isinstance(v, np.ndarray) else v for v in impression) for impression in log.impressions()]
    return shown, list(log.events())


def test_our_own_form_keeps_everything(full, log):
    report = import_lines(log, export_lines(full, "own"))
    assert (report.form, report.impressions, report.duplicates, report.refused) == ("own", 62, 0, [])
    assert everything(log) == everything(full)


@pytest.mark.parametrize("form", sorted(EXPORTERS))
def test_an_exported_log_teaches_the_same(full, log, form):
    import_lines(log, export_lines(full, form))
    if form != "metarank":  # it has no second pages
        first, second = (read_clicks(one, require_features=False) for one in (full, log))
        assert (first.row_key, first.queries) == (second.row_key, second.queries)
        np.testing.assert_array_equal(first.shown, second.shown)
        np.testing.assert_array_equal(first.clicked, second.clicked)
    assert log.stats().clicks == full.stats().clicks


@pytest.mark.parametrize("form", sorted(EXPORTERS))
def test_an_import_may_be_repeated(full, log, form):
    first = import_lines(log, export_lines(full, form))
    again = import_lines(log, export_lines(full, form))
    assert (again.impressions, again.events) == (0, 0)
    assert again.duplicates == first.impressions + first.events + first.duplicates


def test_exported_ubi_events_pass_the_strict_check(full):
    records = [json.loads(line) for line in export_lines(full, "ubi")]
    events = [record for record in records if "action_name" in record]
    assert {check_event(record).action_name for record in events} == {"impression", "click", "purchase"}
    queries = [record for record in records if "action_name" not in record]
    assert all(set(query) >= {"query_id", "user_query", "timestamp", "query_response_hit_ids"} for query in queries)
    assert sum(len(query["query_response_hit_ids"]) for query in queries) == sum(r["action_name"] == "impression" for r in events)


def test_bulk_form_alternates_actions_and_records(full):
    records = [json.loads(line) for line in export_lines(full, "ubi-bulk")]
    assert {record["index"]["_index"] for record in records[::2]} == {"ubi_queries", "ubi_events"}
    assert not any("index" in record for record in records[1::2])


def test_a_real_ubi_log_comes_in(log):
    report = import_file(log, shared("clicks/ubi-esci-sample/ubi_queries_events.ndjson.gz"))
    stats = log.stats()
    assert report.form == "ubi"
    assert report.refused == []
    assert stats.clicks + stats.actions["item_click"] >= 297  # two of the 298 are the same
    assert stats.actions["add_to_cart"] == 234
    data = read_clicks(log, require_features=False)
    assert data.shown.sum() >= 1900
    assert data.num_clicks >= 150
    assert not any(name in ("ip", "browser") for event in log.events() for name in event.attributes or ())


def ubi_event(action="impression", key="a", ordinal=1, **changes):
    attributes = {"object": {"object_id": key}, "position": {"ordinal": ordinal}}
    return {
        "action_name": action,
        "timestamp": "2026-01-01T00:00:00Z",
        "query_id": "q",
        "user_query": "x",
        "event_attributes": attributes,
        **changes,
    }


def test_what_was_shown_may_come_from_impression_events(log):
    import_lines(
        log, lines(ubi_event(key="b", ordinal=2), ubi_event(key="a", ordinal=1), ubi_event("click", "b", 2), ubi_event(key="z", ordinal=9))
    )
    assert [(shown.first_rank, shown.keys) for shown in log.impressions()] == [(1, ["a", "b"]), (9, ["z"])]
    assert log.stats().actions == {"click": 1}


def test_an_application_that_counts_from_zero_is_understood(log):
    zero = [
        ubi_event(key="a", ordinal=0, application="zero"),
        ubi_event("click", "b", 1, application="zero"),
        ubi_event(key="b", ordinal=1, application="zero"),
    ]
    one = [ubi_event(key="a", application="one", query_id="r"), ubi_event("click", "a", 1, application="one", query_id="r")]
    import_lines(log, lines(*zero, *one))
    assert log.query("q").keys == ["a", "b"]
    assert [(event.application, event.position) for event in log.events()] == [("zero", 2), ("one", 1)]


@pytest.mark.parametrize(
    ("changes", "position", "key"),
    [
        ({"event_attributes": None, "session_id": None}, None, ""),
        ({"event_attributes": {"position": {}, "object": {"object_id": "k"}}}, None, "k"),
        ({"event_attributes": {"object": {"object_id": "k"}}}, None, "k"),
        ({"event_attributes": {"position": {"x": 3, "y": 4}}}, None, ""),
        ({"event_attributes": {"position": {"ordinal": 4, "x": 1}, "object": {"term": "t"}}}, 4, ""),
        ({"timestamp": 1717527762100}, 2, "b"),
    ],
)
def test_the_usual_deviations_are_mended(log, changes, position, key):
    report = import_lines(log, lines(ubi_event("click", "b", 2, **changes)))
    assert report.refused == []
    (event,) = log.events()
    assert (event.position, event.object_id) == (position, key)


def test_bad_lines_are_named_and_the_others_kept(log):
    report = import_lines(log, [b"{", *lines(ubi_event("click"), ubi_event("click", client_id="x" * 101), {"a": 1}, 17), b"\xff"])
    assert report.events == 1
    assert [refusal.line for refusal in report.refused] == [1, 3, 4, 5, 6]
    assert report.refused[1].reason == "client_id: Expected `str` of length <= 100"


def test_metarank_rankings_and_interactions_come_in(log):
    ranking = {
        "event": "ranking", "id": "r1", "timestamp": "1599391467000", "user": "u", "session": "s",
        "fields": [{"name": "query", "value": "socks"}], "items": [{"id": "a"}, {"id": "b", "fields": [{"name": "relevancy", "value": 2}]}],
    }  # fmt: skip
    done = {"event": "interaction", "id": "i1", "ranking": "r1", "timestamp": "2020-09-06T11:25:00Z", "type": "click", "item": "b"}
    item = {"event": "item", "id": "x", "timestamp": 1, "item": "a", "fields": []}
    broken = {"event": "interaction", "id": "i2", "timestamp": 1, "type": "click"}
    report = import_lines(log, lines(item, ranking, done, broken, {"event": "other"}))
    assert [(refusal.line, refusal.reason.split(",")[0]) for refusal in report.refused] == [
        (4, "item: missing"),
        (5, "event: expected one of item"),
    ]
    assert log.query("r1").user_query == "socks"
    (event,) = log.events_of("r1")
    assert (event.position, event.timestamp, event.action_name) == (2, 1599391500000, "click")


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"event": "ranking", "id": "r", "timestamp": 1, "items": "ab"}, "items: Expected `array`, got `str`"),
        ({"event": "ranking", "id": "r", "timestamp": 1, "items": [{"name": "a"}]}, "items[0].id: missing, expected a value"),
        (
            {"event": "ranking", "id": "r", "timestamp": 1, "items": [], "fields": [{"name": 1, "value": 2}]},
            "fields[0].name: Expected `str`, got `int`",
        ),
        (
            {"event": "interaction", "id": "r", "timestamp": "soon", "type": "click", "item": "a"},
            "timestamp: expected milliseconds or ISO 8601, found 'soon'",
        ),
        ({"event": "interaction", "id": None, "timestamp": 1, "type": "click", "item": "a"}, "id: Expected `int | str`, got `null`"),
    ],
    ids=["items", "item-without-id", "field", "time", "null"],
)
def test_what_is_wrong_with_a_metarank_line_is_told(log, record, reason):
    report = import_lines(log, lines(record), "metarank")
    assert [tuple(refusal) for refusal in report.refused] == [(1, reason)]


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_files_may_be_compressed(full, log, tmp_path, suffix):
    pack = {"": bytes, ".gz": gzip.compress, ".zst": zstandard.compress}[suffix]
    path = tmp_path / f"log.ndjson{suffix}"
    path.write_bytes(pack(b"".join(export_lines(full, "own"))))
    assert import_file(log, path).impressions == 62


@pytest.mark.parametrize("content", [b"", b"hello\nworld\n", b'{"neither": 1}\n'])
def test_a_file_of_no_known_form_is_refused(log, tmp_path, content):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(BadTransfer, match="no known form"):
        import_file(log, path)


def test_a_file_that_cannot_be_read_is_named(log, tmp_path):
    with pytest.raises(BadTransfer, match=r"absent\.ndjson"):
        import_file(log, tmp_path / "absent.ndjson")
    broken = tmp_path / "broken.gz"
    broken.write_bytes(gzip.compress(b'{"action_name": 1}\n' * 100)[:-20])
    with pytest.raises(BadTransfer, match=r"broken\.gz"):
        import_file(log, broken)


def test_an_unknown_form_is_refused(log):
    with pytest.raises(BadTransfer, match="found 'csv'"):
        export_lines(log, "csv")


def test_times_go_both_ways():
    assert iso(1599391467123) == "2020-09-06T11:24:27.123Z"
    assert milliseconds(iso(1599391467123)) == milliseconds(1599391467123) == milliseconds("1599391467123") == 1599391467123
    assert milliseconds("2020-09-06T13:24:27+02:00") == 1599391467000
    for bad in (None, True, "soon", 10**40, []):
        with pytest.raises(ValueError, match=r"timestamp|isoformat"):
            milliseconds(bad)
