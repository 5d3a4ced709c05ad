"""The schema made up for documents that come without one."""

import tomllib

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_inverter import damaged, line

from indexer.documents import Document
from indexer.infer import Inference, NothingToInfer, to_toml
from indexer.infer_lines import observe_lines
from indexer.quarantine import Entry
from indexer.readers.jsonl import LinesChunk
from indexer.readers.record import read_record
from indexer.schema import Field, Schema


def infer(*records, untyped=False):
    inference = Inference()
    inference.observe([Document(str(i), record) for i, record in enumerate(records)], untyped)
    return kinds_in(inference.schema("id"))


def kinds_in(schema):
    """Field -> its type, and that text is a facet as well."""
    return {f.name: f.type + ", facet" * f.facet for f in schema.fields}


def test_types_follow_the_values():
    record = {"s": "x", "tags": ["a", "b"], "n": 1, "f": 1.5, "b": True, "o": {"x": 1}, "l": [1, 2], "e": [], "big": 1 << 70}
    types = ["text", "text", "integer", "float", "boolean", "stored", "stored", "stored", "float"]
    assert list(infer(record).values()) == types


def test_the_narrowest_type_that_holds_all_values_wins():
    assert infer({"a": 1, "b": 1, "c": "x", "d": True, "e": "x"}, {"a": 1.5, "b": "one", "c": ["y"], "d": 3, "e": {"k": 1}}) == {
        "a": "float",
        "b": "text",
        "c": "text",
        "d": "text",
        "e": "stored",
    }


def test_title_like_names_weigh_more():
    inference = Inference()
    inference.observe([Document("1", {"Title": "x", "page_title": "x", "标题": "x", "body": "x", "subtitle": "x", "Synonyms": "x"})])
    assert [f.weight for f in inference.schema("id").fields] == [4.0, 4.0, 4.0, 1.0, 1.0, 3.0]


def test_cells_without_types_become_numbers_when_all_are():
    records = [{"year": "2001", "price": "1.5", "zip": "01234", "ok": "true", "mixed": "1"}, {"year": "-3", "price": "2", "mixed": "n/a"}]
    assert infer(*records, untyped=True) == {"year": "integer", "price": "float", "zip": "text", "ok": "boolean", "mixed": "text"}
    assert set(infer(*records).values()) == {"text"}


def test_fields_beyond_the_limits_are_stored_or_left_out():
    types = infer({f"f{i:03}": "x" for i in range(300)})
    assert len(types) == 256
    assert sum(kind == "text" for kind in types.values()) == 32


def test_without_documents_there_is_no_schema():
    with pytest.raises(NothingToInfer, match="--schema"):
        Inference().schema("id")


@given(
    st.lists(st.text(st.characters(exclude_categories=("Cs",)), max_size=6), min_size=1, max_size=5, unique=True),
    st.text('ab"\\\n', max_size=4),
)
def test_the_printed_schema_is_read_back_as_the_same(names, id_field):
    kinds = ["text", "keyword", "integer", "float", "text"]
    fields = tuple(Field(name, kinds[i], 3.0 if kinds[i] == "text" else 1.0, facet=i == 4) for i, name in enumerate(names))
    schema = Schema(id_field or "id", fields)
    assert Schema.from_dict(tomllib.loads(to_toml(schema))) == schema


def collection(count, **fields):
    """Documents whose fields have these values in turn."""
    return [{"id": str(n), "body": f"text {n}", **{name: values[n % len(values)] for name, values in fields.items()}} for n in range(count)]


def kinds_of(records):
    """What is inferred of records as documents, and as lines."""
    lines = Inference()
    observe_lines(lines, LinesChunk("f", 1, 0, b"\n".join(map(orjson.dumps, records))), "id")
    as_lines = kinds_in(lines.schema("id"))
    assert as_lines == infer(*({name: value for name, value in one.items() if name != "id" and value is not None} for one in records))
    return as_lines


class TestKeywords:
    def test_few_short_values_of_many_documents_are_a_column(self):
        fields = {
            "lang": ["en", "zh"],
            "topics": [["a", "b"], ["c"], []],
            "gap": ["x", None, "y"],
            "long": ["x" * 41, "y"],
            "one": ["same"],
        }
        many = [f"value {n}" for n in range(31)]
        found = kinds_of(collection(2400, **fields, many=many, tags=["a", "b"], title=["a", "b"], mixed=["a", 1]))
        facets = dict.fromkeys(("lang", "topics", "gap", "tags"), "text, facet")
        assert found == facets | dict.fromkeys(("body", "long", "one", "many", "title", "mixed"), "text")

    def test_few_documents_tell_nothing(self):
        assert kinds_of(collection(999, lang=["en", "zh"]))["lang"] == "text"
        assert kinds_of(collection(2000, lang=["en", "zh", *[None] * 6]))["lang"] == "text"

    def test_documents_from_all_over_are_looked_at(self):
        """The first thousand of a sorted collection would have few authors."""
        records = [{"id": str(n), "body": f"text {n}", "author": f"author {n // 100}"} for n in range(6000)]
        assert kinds_of(records) == {"body": "text", "author": "text"}

    def test_columns_beyond_the_fields_that_can_be_searched_stay_columns(self):
        names = [f"f{n:02}" for n in range(34)]
        found = infer(*(dict.fromkeys(names, "even" if n % 2 else "odd") for n in range(1500)))
        assert [found[name] for name in names] == ["text, facet"] * 32 + ["keyword"] * 2

    def test_cells_count_too(self):
        records = [{"body": f"text {n}", "lang": ["en", "zh"][n % 2], "year": str(2000 + n % 5)} for n in range(1500)]
        assert infer(*records, untyped=True) == {"body": "text", "lang": "text, facet", "year": "integer"}


def observed(chunks):
    """What lines tell, parsed and scanned: (kinds by field in order, documents, first bad line) of both ways."""
    found = []
    for look in (_parse, observe_lines):
        inference, count, bad = Inference(), 0, None
        for chunk in chunks:
            more, first = look(inference, chunk, "id")
            count, bad = count + more, bad or first
        found.append((list(inference._kinds.items()), count, bad))
    return found


def _parse(inference, chunk, id_field):
    one = list(chunk.documents(id_field))
    documents = [each for each in one if isinstance(each, Document)]
    inference.observe(documents)
    return len(documents), next((each for each in one if isinstance(each, Entry)), None)


@given(st.lists(st.lists(st.one_of(line, damaged()), max_size=12), max_size=3), st.booleans())
def test_lines_are_scanned_to_what_parsing_tells(chunks, ended):
    parts = [LinesChunk("f", 1, 0, b"\n".join(lines) + b"\n" * ended) for lines in chunks]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("indexer.infer_lines._FIRST_RECORDS", 1)
        parsed, scanned = observed(parts)
    assert parsed == scanned


def test_records_that_tell_nothing_new_are_not_parsed(monkeypatch):
    records = [{"id": i, "t": "x", "n": i, "b": True, "tags": ["a"], "none": None} for i in range(300)]
    content = b"\n".join(map(orjson.dumps, [*records, {"id": "late", "late": [1]}]))
    parsed = []
    monkeypatch.setattr("indexer.infer_lines.read_record", lambda *given: parsed.append(given[0]) or read_record(*given))
    inference = Inference()
    assert observe_lines(inference, LinesChunk("f", 1, 0, content), "id") == (301, None)
    assert [f"{f.name} {f.type}" for f in inference.schema("id").fields] == ["t text", "n integer", "b boolean", "tags text", "late stored"]
    assert parsed == [b'{"id":"late","late":[1]}']
