"""What fields accept, and how it is refused."""

from datetime import UTC, date, datetime

import pytest

from indexer.documents import BadDocument
from indexer.values import keywords, parse, seconds, texts


def test_texts_of_any_value():
    assert texts(["a", None, ["b"], {"k": "c", "n": 2}, True]) == ["a", "b", "c", "2", "true"]
    assert texts(None) == [] and texts("x") == ["x"]


def test_keywords_are_distinct_and_in_order():
    assert keywords(["b", "a", "b", 3]) == ["b", "a", "3"]


@pytest.mark.parametrize(
    "kind, value, expected",
    [
        ("integer", 5, 5),
        ("integer", "-7", -7),
        ("integer", 3.0, 3),
        ("integer", [4], 4),
        ("integer", [], None),
        ("integer", "", None),
        ("float", "2.5", 2.5),
        ("boolean", "Yes", True),
        ("boolean", 0, False),
        ("date", "1970-01-02", 86400.0),
        ("date", "1970-01-01T01:00:00+01:00", 0.0),
        ("date", "1970-01-01T00:00:01Z", 1.0),
        ("date", 12, 12.0),
        ("date", date(1970, 1, 3), 172800.0),
    ],
)
def test_values_are_read_as_their_type(kind, value, expected):
    assert parse(kind, value, "f") == expected


@pytest.mark.parametrize(
    "kind, value",
    [
        ("integer", "5.5"),
        ("integer", 2**63),
        ("integer", "9" * 5000),
        ("integer", True),
        ("integer", [1, 2]),
        ("integer", float("nan")),
        ("float", "nan"),
        ("float", 10**400),
        ("float", {}),
        ("boolean", "maybe"),
        ("boolean", 2.5),
        ("date", "yesterday"),
        ("date", "2020-13-01"),
    ],
)
def test_values_of_another_type_are_refused_by_name(kind, value):
    with pytest.raises(BadDocument, match="field 'f': expected .*, found") as caught:
        parse(kind, value, "f")
    assert caught.value.code == f"invalid_{kind}" and len(str(caught.value)) < 200


def test_times_without_a_zone_are_utc():
    assert seconds(datetime(2020, 1, 1)) == seconds(datetime(2020, 1, 1, tzinfo=UTC)) == seconds("2020-01-01")
