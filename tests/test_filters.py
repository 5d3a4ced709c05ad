"""Filters, facets and sorting over real columns, against loops over plain documents."""

from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.columns import ColumnBuilder
from indexer.schema import Field, Schema
from searchd.columns import Columns, UnknownField
from searchd.facets import facet_counts
from searchd.filters import MAX_DEPTH, BadFilter, compare, filter_mask
from searchd.sorting import BadSort, SortKey, parse_sort, sorted_docs

SCHEMA = Schema(
    fields=(
        Field("title", "text"),
        Field("year", "integer"),
        Field("price", "float"),
        Field("day", "date"),
        Field("open", "boolean"),
        Field("tag", "keyword"),
    )
)
DOCUMENTS = [
    {"year": 2019, "price": 1.5, "day": "2020-01-02", "open": True, "tag": ["a", "b"]},
    {"year": 2020, "price": -2.0, "day": "2020-01-02T12:00:00", "open": False, "tag": "a"},
    {"year": 2021, "tag": ["c d", 'quo"te']},
    {"price": 0.0, "open": True, "tag": []},
    {"year": -5, "day": "1969-12-31", "tag": "中文"},
    {},
]


class FakeSegment:
    def __init__(self, documents):
        self.num_docs = len(documents)
        self._columns = {}
        for field in SCHEMA.columns:
            builder = ColumnBuilder(field)
            for document in documents:
                builder.append(builder.read(document.get(field.name)))
            self._columns[field.name] = builder.build()

    def column(self, name):
        return self._columns[name]


def columns_of(*parts):
    return Columns(SimpleNamespace(schema=SCHEMA, segments=[FakeSegment(part) for part in parts]))


@pytest.fixture(params=[1, 2], ids=["one segment", "two segments"])
def columns(request):
    return columns_of(DOCUMENTS) if request.param == 1 else columns_of(DOCUMENTS[:3], DOCUMENTS[3:])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("year = 2020", [1]),
        ("year != 2020", [0, 2, 3, 4, 5]),
        ("year >= 2020", [1, 2]),
        ("year > 2019.5", [1, 2]),
        ("year < 0", [4]),
        ("year IN [2019, 2021]", [0, 2]),
        ("year IN [2019.5, 2021]", [2]),
        ("year IN []", []),
        ("year NOT IN [2019, 2021]", [1, 3, 4, 5]),
        ("year EXISTS", [0, 1, 2, 4]),
        ("NOT year EXISTS", [3, 5]),
        ("year NOT EXISTS", [3, 5]),
        ("price = -2", [1]),
        ("price <= 0", [1, 3]),
        ("open = true", [0, 3]),
        ("open = false", [1]),
        ("open != true", [1, 2, 4, 5]),
        ('day = "2020-01-02"', [0]),
        ("day >= 2020-01-02", [0, 1]),
        ("day < 1970", [4]),
        ('tag = "a"', [0, 1]),
        ("tag = a", [0, 1]),
        ("tag = 'c d'", [2]),
        ('tag = "quo\\"te"', [2]),
        ("tag = 中文", [4]),
        ('tag IN ["a", "中文"]', [0, 1, 4]),
        ("tag EXISTS", [0, 1, 2, 4]),
        ('tag >= "c d"', [2, 4]),
        ('tag < "b"', [0, 1]),
        ('tag = "none"', []),
        ('tag = "a" AND year >= 2020', [1]),
        ('tag = "a" OR year = 2021', [0, 1, 2]),
        ('tag = "a" AND year = 2019 OR year = 2021', [0, 2]),
        ('tag = "a" AND (year = 2019 OR year = 2021)', [0]),
        ('year >= 2019 AND NOT tag IN ["a","b"]', [2]),
        ("not not year = 2020", [1]),
        ('"year" = 2020', [1]),
        ("year=2020and year=2020", None),
    ],
)
def test_filters(columns, text, expected):
    if expected is None:
        with pytest.raises(BadFilter):
            filter_mask(text, columns, len(DOCUMENTS))
        return
    assert np.flatnonzero(filter_mask(text, columns, len(DOCUMENTS))).tolist() == expected


@pytest.mark.parametrize(
    ("text", "position", "expected"),
    [
        ("", 0, "a field"),
        ("   ", 0, "a field"),
        ("colour = 1", 0, "year, price, day, open, tag"),
        ("title = a", 0, "a field to filter by"),
        ("year", 4, "=, !="),
        ("year = ", 6, "a value"),
        ("year = )", 7, "a value"),
        ("year ~ 2", 5, "=, !="),
        ("year = soon", 7, "a whole number for year"),
        ("year = 99999999999999999999", 7, "a whole number"),
        ("open = perhaps", 7, "true or false"),
        ("day = tomorrow", 6, "ISO 8601"),
        ("year = 1 year = 2", 9, "AND, OR or the end"),
        ("(year = 1", 9, "')'"),
        ("year IN 1", 8, "'['"),
        ("year IN [1", 10, "']'"),
        ("year NOT 5", 9, "IN or EXISTS"),
        ("year = 1 AND", 12, "a field"),
        ("NOT", 3, "a field"),
        ('tag = "open', 6, "a field, a value"),
    ],
)
def test_mistakes_are_told_with_their_place(columns, text, position, expected):
    with pytest.raises(BadFilter) as caught:
        filter_mask(text, columns, len(DOCUMENTS))
    assert caught.value.code == "bad_filter"
    assert expected in str(caught.value)
    assert caught.value.position == position


def test_depth_and_length_are_limited(columns):
    deep = "(" * MAX_DEPTH + "year = 2020" + ")" * MAX_DEPTH
    assert filter_mask(deep, columns, len(DOCUMENTS)).any()
    for text in ("(" + deep + ")", "NOT " * 2000 + "year = 1", "(" * 4000, "year = 1 OR " * 1000):
        with pytest.raises(BadFilter):
            filter_mask(text, columns, len(DOCUMENTS))


@given(st.text(st.sampled_from("year =<>!()[],\"'\\ANDORNOTINtag12.-*") | st.characters(), max_size=80))
def test_a_filter_is_answered_or_refused(text):
    try:
        mask = filter_mask(text, COLUMNS, len(DOCUMENTS))
    except BadFilter as error:
        assert 0 <= error.position <= len(text)
    else:
        assert mask.shape == (len(DOCUMENTS),) and mask.dtype == bool


COLUMNS = columns_of(DOCUMENTS)


def test_facets_count_values_of_matching_documents(columns):
    everything = np.ones(len(DOCUMENTS), bool)
    found = facet_counts(["tag", "year", "open", "day"], columns, everything)
    assert found["tag"] == {"a": 2, "b": 1, "c d": 1, 'quo"te': 1, "中文": 1}
    assert list(found["tag"])[0] == "a"
    assert found["year"] == {"-5": 1, "2019": 1, "2020": 1, "2021": 1}
    assert found["open"] == {"true": 2, "false": 1}
    assert found["day"] == {"1969-12-31": 1, "2020-01-02": 1, "2020-01-02T12:00:00+00:00": 1}
    some = np.array([0, 0, 1, 0, 0, 0], bool)
    assert facet_counts(["tag", "open"], columns, some) == {"tag": {"c d": 1, 'quo"te': 1}, "open": {}}
    with pytest.raises(UnknownField, match="year, price"):
        facet_counts(["colour"], columns, everything)


def test_a_facet_value_filters_to_its_count(columns):
    everything = np.ones(len(DOCUMENTS), bool)
    for name, counts in facet_counts(["tag", "year", "open", "day", "price"], columns, everything).items():
        for value, count in counts.items():
            quoted = value.replace("\\", "\\\\").replace('"', '\\"')
            assert filter_mask(f'{name} = "{quoted}"', columns, len(DOCUMENTS)).sum() == count


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("year", [4, 0, 1, 2, 3, 5]),
        ("year:desc", [2, 1, 0, 4, 3, 5]),
        ("price:desc", [0, 3, 1, 2, 4, 5]),
        ("tag", [0, 1, 2, 4, 3, 5]),
        ("tag:desc", [4, 2, 0, 1, 3, 5]),
        ("open:desc,year:desc", [0, 3, 1, 2, 4, 5]),
        ("open,year", [1, 0, 3, 4, 2, 5]),
    ],
)
def test_sorting(columns, sort, expected):
    keys = parse_sort(sort, columns)
    assert sorted_docs(np.arange(len(DOCUMENTS)), keys, columns).tolist() == expected


def test_sorting_a_part(columns):
    assert sorted_docs(np.array([0, 2, 5]), parse_sort(["year:desc"], columns), columns).tolist() == [2, 0, 5]
    assert sorted_docs(np.array([], np.int64), parse_sort(["year:desc"], columns), columns).tolist() == []


NUMBERS = st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1), st.integers(-3, 3), st.sampled_from([-(2**63), 2**63 - 1]))
FLOATS = st.one_of(st.none(), st.floats(allow_nan=False), st.sampled_from([0.0, -0.0, -1.5, 2.5]))
ROWS = st.lists(st.tuples(NUMBERS, FLOATS, st.lists(st.sampled_from("abcdé"), max_size=3, unique=True)), max_size=60)


def columns_from(rows):
    """Columns in memory, as a segment would give them."""
    kinds = {"number": "integer", "real": "float", "tag": "keyword"}
    schema = SimpleNamespace(columns=[SimpleNamespace(name=name, type=kind) for name, kind in kinds.items()])
    builders = {name: ColumnBuilder(Field(name, kind)) for name, kind in kinds.items()}
    for row in rows:
        for builder, value in zip(builders.values(), row):
            builder.append(value)
    made = {name: builder.build() for name, builder in builders.items()}
    return Columns(SimpleNamespace(schema=schema, segments=[SimpleNamespace(num_docs=len(rows), column=made.__getitem__)]))


@settings(deadline=None, max_examples=examples(150))
@given(ROWS, st.lists(st.tuples(st.sampled_from(["number", "real", "tag"]), st.booleans()), min_size=1, max_size=3), st.integers(0, 70))
def test_sorting_is_that_of_python_s_sort(rows, keys, limit):
    columns = columns_from(rows)
    place = {"number": 0, "real": 1, "tag": 2}
    order = list(range(0, len(rows), 2))
    expected = order.copy()
    for name, descending in reversed(keys):
        column = [row[place[name]] for row in rows]
        if name == "tag":
            column = [(max(v) if descending else min(v)) if v else None for v in column]
        having = [d for d in expected if column[d] is not None]
        # Python's sort keeps the order of equals also when it is reversed.
        having.sort(key=lambda d: column[d], reverse=descending)  # noqa: B023
        expected = having + [d for d in expected if column[d] is None]
    sort_keys = [SortKey(name, descending) for name, descending in keys]
    assert sorted_docs(np.array(order, np.int64), sort_keys, columns, limit).tolist() == expected[:limit]
    assert sorted_docs(np.array(order, np.int64), sort_keys, columns).tolist() == expected


@settings(deadline=None, max_examples=examples(150))
@given(ROWS, st.integers(1, 8), st.randoms(use_true_random=False))
def test_facets_count_as_a_counter_does(rows, limit, chance):
    columns = columns_from(rows)
    matched = np.array([chance.random() < 0.5 for _ in rows], bool)
    found = facet_counts(["number", "real", "tag"], columns, matched, limit)
    for i, name in enumerate(("number", "real", "tag")):
        values = [v for row, m in zip(rows, matched) if m for v in (row[i] if name == "tag" else [row[i]]) if v is not None]
        commonest = sorted(Counter(values).items(), key=lambda pair: (-pair[1], pair[0]))[:limit]
        assert list(found[name].values()) == [count for _, count in commonest]
        if name == "tag":
            assert found[name] == dict(commonest)
        elif name == "number":
            assert found[name] == {str(value): count for value, count in commonest}


@settings(deadline=None, max_examples=examples(100))
@given(ROWS, st.lists(st.sampled_from(["a", "b", "é", "nothing"]), max_size=3), st.sampled_from(["=", "in", "<", ">=", "exists"]))
def test_keywords_compare_as_text(rows, wanted, sign):
    values = tuple(wanted[:1] or ["b"]) if sign in ("=", "<", ">=") else tuple(wanted)
    holds = {
        "=": lambda tags: values[0] in tags,
        "in": lambda tags: bool(set(tags) & set(values)),
        "<": lambda tags: any(tag < values[0] for tag in tags),
        ">=": lambda tags: any(tag >= values[0] for tag in tags),
        "exists": bool,
    }[sign]
    assert compare(columns_from(rows)["tag"], sign, values).tolist() == [holds(row[2]) for row in rows]


def test_bad_sorts(columns):
    with pytest.raises(BadSort, match="FIELD:desc"):
        parse_sort("year:up", columns)
    with pytest.raises(UnknownField, match="year, price"):
        parse_sort("colour", columns)
    with pytest.raises(BadSort, match="at most"):
        parse_sort(["year"] * 9, columns)
