"""Documents -> runs -> a segment, against dictionaries and loops; and the bytes do not depend on the batches."""

from collections import Counter, defaultdict

import numpy as np
import pytest
from core_index import SCHEMA, build_segment, documents, runs_of, sample
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.analysis import get_analyzer
from indexer.documents import Document
from indexer.inverter import Run, invert
from indexer.merge import write_segment
from indexer.schema import Schema
from indexer.segment import Segment
from indexer.values import keywords, parse, texts

CHINESE = Schema.from_dict({"fields": {"text": {"type": "text"}, "more": {"type": "text"}}})


def kept(docs):
    """The documents that stay: the last of every key, in order."""
    last = {d.key: i for i, d in enumerate(docs)}
    return [d for i, d in enumerate(docs) if last[d.key] == i]


def analysed(docs, schema):
    """Per document and text field: (sequence with None between values, extra, length)."""
    out = []
    for document in docs:
        row = []
        for field in schema.text_fields:
            sequence, extra, length = [], [], 0
            for text in texts(document.fields.get(field.name)):
                terms = get_analyzer(field.analyzer, None).index_terms(text)
                if sequence and terms.sequence:
                    sequence.append(None)
                sequence += terms.sequence
                extra += terms.extra
                length += terms.length
            row.append((sequence, extra, length))
        out.append(row)
    return out


def oracle(docs, schema):
    """(df by term, postings {term: {doc: tfs}}) by counting."""
    df, postings = Counter(), defaultdict(dict)
    for doc, row in enumerate(analysed(docs, schema)):
        seen = set()
        for f, (sequence, extra, _) in enumerate(row):
            for term in [t for t in sequence if t is not None] + extra:
                seen.add(term)
                postings[term].setdefault(doc, [0] * len(row))[f] += 1
        df.update(seen)
    return df, postings


def check_against_oracle(segment, docs, schema):
    docs = kept(docs)
    df, _ = oracle(docs, schema)
    expected_terms = sorted(df, key=lambda t: (t.startswith("\x03"), -df[t], t.encode("utf-8", "surrogatepass")))
    assert [segment.term(i) for i in range(segment.num_terms)] == expected_terms
    assert segment.df(np.arange(segment.num_terms)).tolist() == [df[t] for t in expected_terms]
    assert segment.lookup([*expected_terms, "no such term"]).tolist() == [*range(len(expected_terms)), -1]
    assert segment.num_docs == len(docs)
    for doc, row in enumerate(analysed(docs, schema)):
        for f, (sequence, _, length) in enumerate(row):
            ids = [-1 if t is None else expected_terms.index(t) for t in sequence]
            assert segment.sequence(doc, f).tolist() == ids
            assert segment.lengths[f, doc] == length
        assert segment.key(doc) == docs[doc].key and segment.doc(docs[doc].key) == doc
        assert segment.stored(doc) == {"id": docs[doc].key, **docs[doc].fields}
    for number, column_field in enumerate(schema.columns):
        check_column(segment.column(column_field.name), schema.columns[number], docs)


def check_column(column, field, docs):
    values = [d.fields.get(field.name) for d in docs]
    if field.type == "keyword":
        found = [[column.dictionary.text(o) for o in column.ords[a:b]] for a, b in zip(column.offsets, column.offsets[1:])]
        assert found == [keywords(v) for v in values]
        assert column.dictionary.texts() == sorted({k for v in values for k in keywords(v)})
        assert [column.ordinal(t) for t in column.dictionary.texts()] == list(range(len(column.dictionary)))
        assert column.ordinal("no such keyword") == -1
        return
    parsed = [parse(field.type, v, field.name) for v in values]
    assert column.valid.tolist() == [v is not None for v in parsed]
    assert column.values[column.valid].tolist() == [v for v in parsed if v is not None]


@settings(max_examples=examples(40))
@given(docs=documents(), sizes=st.lists(st.integers(0, 9), max_size=4))
def test_merged_runs_are_the_bytes_of_one_run(docs, sizes, tmp_path_factory):
    folder = tmp_path_factory.mktemp("segments")
    whole = build_segment(folder / "0000.seg", docs)
    first = (folder / "0000.seg").read_bytes()
    parts = build_segment(folder / "0000.seg", docs, sizes)
    assert (folder / "0000.seg").read_bytes() == first
    assert whole == parts and whole.file.bytes == len(first)
    assert whole.documents + whole.duplicates == len(docs)
    check_against_oracle(Segment(folder / "0000.seg"), docs, SCHEMA)


def test_dropped_duplicates_leave_no_trace(tmp_path):
    docs = [Document("a", {"title": "only here once", "tags": "gone"}), Document("b", {"title": "x"}), Document("a", {"title": "new"})]
    build_segment(tmp_path / "0000.seg", docs)
    duplicated = (tmp_path / "0000.seg").read_bytes()
    build_segment(tmp_path / "0000.seg", docs[1:])
    assert (tmp_path / "0000.seg").read_bytes() == duplicated


def test_chinese_words_have_a_df_but_no_postings(tmp_path):
    docs = [Document("1", {"text": "我们研究机器学习", "more": "machine 学习"}), Document("2", {"text": ["机器", "学习 learning"]})]
    build_segment(tmp_path / "0000.seg", docs, (1,), CHINESE)
    segment = Segment(tmp_path / "0000.seg")
    check_against_oracle(segment, docs, CHINESE)
    words = [i for i in range(segment.num_terms) if segment.term(i).startswith("\x03")]
    assert words and segment.df(segment.lookup(["\x03学习"])).tolist() == [2]
    df, _ = oracle(docs, CHINESE)
    assert segment.num_postings == sum(n for term, n in df.items() if not term.startswith("\x03"))


def test_runs_survive_the_disk_and_a_move_in_memory(tmp_path):
    runs = runs_of(sample(30), [7, 7, 7])
    direct = write_segment(runs, SCHEMA, tmp_path / "0000.seg")
    assert write_segment([run.copied(SCHEMA) for run in runs], SCHEMA, tmp_path / "0000.seg") == direct
    loaded = []
    for number, run in enumerate(runs):
        run.save(tmp_path / f"run-{number}")
        loaded.append(Run.load(tmp_path / f"run-{number}", SCHEMA))
    assert write_segment(loaded, SCHEMA, tmp_path / "0000.seg") == direct


def test_documents_that_do_not_fit_are_left_out_and_listed():
    docs = [Document("1", {"year": 1}), Document("2", {"year": "soon", "title": "never"}), Document("3", {"note": b"x"})]
    run = invert(docs, SCHEMA)
    assert run.keys.texts() == ["1"] and run.terms.texts() == []
    assert [(r.position, r.code) for r in run.rejected] == [(1, "invalid_integer"), (2, "not_json")]


def test_prefix_gives_the_most_frequent_terms_first(tmp_path):
    words = ["car", "cart", "cart", "care", "care", "care", "cat", "dog", "数据", "数学"]
    build_segment(tmp_path / "0000.seg", [Document(str(i), {"title": w}) for i, w in enumerate(words)])
    segment = Segment(tmp_path / "0000.seg")
    assert segment.prefix("car", 10) == [("care", 3), ("cart", 2), ("car", 1)]
    assert segment.prefix("ca", 2) == [("care", 3), ("cart", 2)]
    assert segment.prefix("数", 5) == [("数学", 1), ("数据", 1)]
    assert segment.prefix("x", 5) == [] and segment.prefix("car", 0) == []
    assert len(segment.prefix("", 100)) == 7


def test_an_empty_segment_opens(tmp_path):
    assert build_segment(tmp_path / "0000.seg", []).documents == 0
    segment = Segment(tmp_path / "0000.seg")
    assert (segment.num_docs, segment.num_terms) == (0, 0)
    assert segment.lookup(["a"]).tolist() == [-1] and segment.doc("a") == -1 and segment.prefix("", 5) == []
    assert segment.column("tags").ords.tolist() == [] and segment.column("year").values.tolist() == []


@pytest.mark.parametrize("fields", [{"n": {"type": "integer"}}, {"t": {"type": "text", "analyzer": "whitespace"}}])
def test_schemas_without_text_or_without_columns(tmp_path, fields):
    schema = Schema.from_dict({"fields": fields})
    docs = [Document("1", {"n": 1, "t": "x y"}), Document("2", {})]
    build_segment(tmp_path / "0000.seg", docs, (1,), schema)
    check_against_oracle(Segment(tmp_path / "0000.seg"), docs, schema)


def test_frequencies_beyond_16_bits(tmp_path):
    docs = [Document("1", {"title": "a " * 70_000}), Document("2", {"title": "a b"})]
    runs = runs_of(docs, [1])
    assert runs[0].tfs.dtype == np.uint32 and runs[1].tfs.dtype == np.uint8
    assert write_segment(runs, SCHEMA, tmp_path / "0000.seg") == write_segment(runs_of(docs, []), SCHEMA, tmp_path / "0000.seg")
    assert Segment(tmp_path / "0000.seg").lengths[0].tolist() == [70_000, 2]
