"""UBI events: the schema's own names pass, each deviation is refused with one reason, forged query ids are never counted."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shared_data import shared

from ranker.clicklog import ClickLog
from ranker.events import MAX_BATCH_BYTES, BadEvents, check_event, parse_events, receive
from ranker.query_ids import issue_query_id

SECRET = bytes(32)
GOOD = {
    "action_name": "click",
    "timestamp": "2026-11-20T10:00:00.250Z",
    "query_id": "q",
    "client_id": "c",
    "event_attributes": {"object": {"object_id": "doc-1", "object_id_type": "product"}, "position": {"ordinal": 3}},
}


def refusal(**changes) -> str:
    """The reason for which GOOD, so changed, is refused."""
    parsed = parse_events(json.dumps({**GOOD, **changes}).encode())
    assert not parsed.events
    assert [(found.index, found.code) for found in parsed.refused] == [(0, "invalid_event")]
    return parsed.refused[0].message


def test_a_standard_click_becomes_a_record():
    event = check_event(GOOD)
    assert (event.action_name, event.query_id, event.client_id, event.object_id, event.position) == ("click", "q", "c", "doc-1", 3)
    assert event.timestamp == 1795168800250
    assert event.attributes == GOOD["event_attributes"]


@pytest.mark.parametrize("name", ["add_to_cart", "click", "watch", "view", "purchase", "impression", "item_click", "点击"])
def test_every_action_name_passes(name):
    assert check_event({**GOOD, "action_name": name}).action_name == name


def test_nulls_and_unknown_fields_are_ignored():
    event = check_event({**GOOD, "message": None, "event_attributes": None, "page_id": "x"})
    assert (event.message, event.attributes, event.position) == ("", None, None)


def test_a_whole_number_may_be_an_object_id():
    attributes = {"object": {"object_id": 17}, "position": {"xy": {"x": 1, "y": 2.5}}}
    assert check_event({**GOOD, "event_attributes": attributes}).object_id == "17"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"action_name": 5}, "action_name: Expected `str`, got `int`"),
        ({"action_name": "a" * 101}, "action_name: Expected `str` of length <= 100"),
        ({"client_id": "a" * 101}, "client_id: Expected `str` of length <= 100"),
        ({"message": "a" * 1025}, "message: Expected `str` of length <= 1024"),
        ({"timestamp": "yesterday"}, "timestamp: Invalid RFC3339 encoded datetime"),
        ({"timestamp": "2026-11-20T10:00:00"}, "timestamp: Expected `datetime` with a timezone component"),
        ({"timestamp": 1700000000}, "timestamp: Expected `datetime`, got `int`"),
        ({"event_attributes": {}}, "event_attributes: Object missing required field `position`"),
        ({"event_attributes": {"position": {}}}, "event_attributes.position: expected either `ordinal` or `xy`, and not both"),
        (
            {"event_attributes": {"position": {"ordinal": 1, "xy": {"x": 1, "y": 1}}}},
            "event_attributes.position: expected either `ordinal` or `xy`, and not both",
        ),
        ({"event_attributes": {"position": {"ordinal": 1.5}}}, "event_attributes.position.ordinal: Expected `int | null`, got `float`"),
        (
            {"event_attributes": {"position": {"ordinal": 1}, "object": {}}},
            "event_attributes.object: Object missing required field `object_id`",
        ),
        ({"x": "a" * 17_000}, "expected an event of at most 16384 bytes, found 17"),
    ],
)
def test_each_deviation_has_one_reason(changes, reason):
    assert refusal(**changes).startswith(reason)


def test_missing_fields_are_named():
    assert parse_events(b'{"action_name": "click"}').refused[0].message == "Object missing required field `timestamp`"


def test_deep_json_is_refused_not_followed():
    assert "nested at most 32 deep" in refusal(x=json.loads("[" * 40 + "]" * 40))
    with pytest.raises(BadEvents):
        parse_events(b"[" * 100_000)


def test_private_attributes_are_not_kept():
    attributes = {**GOOD["event_attributes"], "ip": "10.1.2.3", "User_Agent": "Mozilla", "dwell_time": 3}
    kept = check_event({**GOOD, "event_attributes": attributes}).attributes
    assert kept == {**GOOD["event_attributes"], "dwell_time": 3}


def test_one_many_and_lines_are_read_alike():
    one = json.dumps(GOOD).encode()
    bad = b'{"action_name": "click"}'
    assert len(parse_events(one).events) == len(parse_events(json.dumps(GOOD, indent=1).encode()).events) == 1
    for body in (b"[" + one + b"," + bad + b"," + one + b"]", one + b"\n\n" + bad + b"\n" + one + b"\n"):
        parsed = parse_events(body)
        assert parsed.indices == [0, 2]
        assert [found.index for found in parsed.refused] == [1]


@pytest.mark.parametrize(
    "body", [b"", b" ", b"[]", b"{", b"\xff\xfe", b'[{"a": 1}', b"[" + b"0," * 1500 + b"0]", b" " * (MAX_BATCH_BYTES + 1)]
)
def test_a_body_that_is_no_batch_is_refused_as_a_whole(body):
    with pytest.raises(BadEvents, match="expected"):
        parse_events(body)


@given(
    st.binary(max_size=200)
    | st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists).map(lambda v: json.dumps(v).encode())
)
def test_no_body_breaks_the_parser(body):
    with contextlib.suppress(BadEvents):
        parse_events(body)


@given(
    st.dictionaries(
        st.sampled_from(sorted(GOOD)), st.none() | st.integers() | st.text(max_size=5) | st.dictionaries(st.text(), st.integers())
    )
)
def test_no_event_breaks_the_parser(changes):
    parsed = parse_events(json.dumps({**GOOD, **changes}).encode())
    assert len(parsed.events) + len(parsed.refused) == 1


def test_a_retry_has_the_same_id_and_another_event_another():
    again = dict(reversed(GOOD.items()))
    assert check_event(GOOD).event_id == check_event(again).event_id
    assert check_event(GOOD).event_id != check_event({**GOOD, "timestamp": "2026-11-20T10:00:00.251Z"}).event_id
    assert check_event({**GOOD, "event_id": "mine"}).event_id == "mine"


def test_only_events_of_issued_queries_are_stored(tmp_path):
    genuine, old = issue_query_id(SECRET, now=5000), issue_query_id(SECRET, now=100)
    tampered = genuine[:-1] + ("A" if genuine[-1] != "A" else "B")
    ids = [genuine, "forged-query-id", old, tampered, issue_query_id(b"other" * 8, now=5000), None, genuine]
    body = json.dumps([{**GOOD, "query_id": query_id} for query_id in ids]).encode()
    with ClickLog(tmp_path / "clicks.sqlite3") as log:
        answer = receive(log, SECRET, body, now=5001)
        assert (answer.accepted, answer.duplicates) == (2, 1)
        assert [(found.index, found.code) for found in answer.refused] == [(n, "unknown_query") for n in range(1, 6)]
        assert [event.query_id for event in log.events()] == [genuine]


def test_a_batch_of_forgeries_writes_nothing(tmp_path):
    with ClickLog(tmp_path / "clicks.sqlite3") as log:
        assert receive(log, SECRET, json.dumps(GOOD).encode()).accepted == 0
        assert log.stats().events == 0


def test_the_checks_are_those_of_the_published_schema():
    published = json.loads(shared("clicks/ubi-esci-sample/ubi-1.3.0-event.schema.json").read_text())
    assert set(published["required"]) == {"action_name", "timestamp"}
    for name, rule in published["properties"].items():
        if "maxLength" in rule:
            assert name == "message" or rule["maxLength"] == 100
            assert "Expected `str` of length" in refusal(**{name: "x" * (rule["maxLength"] + 1)})
            assert check_event({**GOOD, name: "x" * rule["maxLength"]})
