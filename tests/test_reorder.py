"""Reordering: a permutation that brings together what shares terms, and an index that answers as the unordered one does."""

import numpy as np
import orjson
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

import indexer.reorder as reordering
from indexer.bisection import bisect
from indexer.build import build
from indexer.documents import Document
from indexer.home import Home
from indexer.index import Index
from indexer.inverter import Run, invert
from indexer.schema import Field, Schema

SCHEMA = Schema(
    fields=(
        Field("title", "text", analyzer="whitespace"),
        Field("body", "text"),
        Field("tags", "keyword"),
        Field("year", "integer"),
    )
)
words = st.lists(st.sampled_from(["a", "bb", "ccc", "中文", "搜索", "the", "of", "search"]), max_size=8).map(" ".join)
documents = st.fixed_dictionaries(
    {
        "id": st.sampled_from([str(n) for n in range(12)]),
        "title": words,
        "body": st.one_of(st.none(), words, st.lists(words, max_size=3)),
        "tags": st.lists(st.sampled_from(["x", "y", "z"]), max_size=3, unique=True),
        "year": st.one_of(st.none(), st.integers(1900, 2100)),
    }
)


def _document(fields: dict) -> Document:
    fields = dict(fields)
    return Document(fields.pop("id"), fields, "test", 1, 0)


def _described(run: Run, wanted_keys: list[str] | None = None) -> dict:
    """By key: everything that a run says of a document, terms spelled out."""
    terms, keys, stored = run.terms.texts(), run.keys.texts(), run.documents.texts()
    found: dict = {}
    for doc, key in enumerate(keys):
        rows = [run.tokens[run.token_offsets[doc * 2 + f] : run.token_offsets[doc * 2 + f + 1]] for f in range(2)]
        tags, year = run.columns
        found[key] = {
            "sequences": [[terms[t - 1] if t else None for t in row.tolist()] for row in rows],
            "stored": stored[doc],
            "lengths": run.lengths[:, doc].tolist(),
            "tags": [tags.dictionary.text(o) for o in tags.ords[tags.offsets[doc] : tags.offsets[doc + 1]]],
            "year": (int(year.values[doc]), bool(year.valid[doc])),
            "postings": {},
        }
    for term, text in enumerate(terms):
        docs = run.docs[run.ptr[term] : run.ptr[term + 1]].tolist()
        assert docs == sorted(set(docs))
        for doc, tfs in zip(docs, run.tfs[run.ptr[term] : run.ptr[term + 1]].tolist()):
            found[keys[doc]]["postings"][text] = tfs
    return found


@settings(max_examples=examples(60), deadline=None)
@given(st.lists(st.lists(documents, min_size=1, max_size=8), min_size=1, max_size=3))
def test_every_document_keeps_what_it_has(tmp_path_factory, batches):
    runs = [invert([_document(fields) for fields in batch], SCHEMA) for batch in batches]
    expected: dict = {}
    for run in runs:
        for number, key in enumerate(run.keys.texts()):
            expected.pop(key, None)
            expected[key] = _described(_only(run, number))[key]
    moved = reordering.reorder(runs, SCHEMA, tmp_path_factory.mktemp("scratch"))
    assert sorted(moved.keys.texts()) == sorted(expected)
    assert _described(moved) == expected


def _only(run: Run, number: int) -> Run:
    """The run with one document, by inverting nothing: an oracle that slices."""
    rows = slice(run.token_offsets[number * 2], run.token_offsets[number * 2 + 2])
    offsets = run.token_offsets[number * 2 : number * 2 + 3] - run.token_offsets[number * 2]
    here = run.docs == number
    counts = np.array([np.count_nonzero(here[run.ptr[t] : run.ptr[t + 1]]) for t in range(len(run.terms))], np.int64)
    chosen = np.array([number])
    return Run(
        keys=reordering.strings.take(run.keys, chosen),
        terms=run.terms,
        ptr=np.concatenate([[0], np.cumsum(counts)]),
        docs=np.zeros(int(counts.sum()), np.int32),
        tfs=run.tfs[here],
        tokens=run.tokens[rows],
        token_offsets=offsets,
        lengths=run.lengths[:, chosen],
        documents=reordering.strings.take(run.documents, chosen),
        columns=tuple(reordering.take_documents([column], chosen) for column in run.columns),
    )


def test_documents_of_one_subject_come_to_stand_together():
    random = np.random.default_rng(5)
    subjects = random.permutation(np.repeat(np.arange(8), 256))
    rows = [
        np.unique(np.concatenate([subject * 50 + random.integers(0, 50, 20), 400 + random.integers(0, 100, 5)])) for subject in subjects
    ]
    ptr = np.concatenate([[0], np.cumsum([len(row) for row in rows])])
    order = bisect(ptr, np.concatenate(rows).astype(np.int32), 500)
    assert sorted(order.tolist()) == list(range(len(subjects)))
    changes = np.count_nonzero(np.diff(subjects[order]))
    assert changes < 40, f"{changes} changes of subject between neighbours; in the order of the source there are about 1,800"


def test_documents_without_telling_terms_keep_the_order_of_the_source():
    ptr = np.zeros(301, np.int64)
    assert bisect(ptr, np.zeros(0, np.int32), 0).tolist() == list(range(300))


def test_a_reordered_build_has_the_same_documents_and_scores(tmp_path):
    random = np.random.default_rng(3)
    lines = [
        {"id": str(n), "title": " ".join(f"w{t}" for t in random.zipf(1.4, 12) if t < 300), "year": int(n % 7), "tags": ["x"]}
        for n in [*range(300), 5, 9]
    ]
    source = tmp_path / "docs.jsonl"
    source.write_bytes(b"\n".join(orjson.dumps(line) for line in lines))
    homes = [Home(tmp_path / name) for name in ("plain", "moved")]
    reports = [build(home, [str(source)], SCHEMA, reordered=home is homes[1]) for home in homes]
    assert [(r.read, r.indexed, r.duplicates) for r in reports] == [(302, 300, 2)] * 2
    with Index.open(homes[0]) as plain, Index.open(homes[1]) as moved:
        assert [plain.stored(doc) for doc in range(300)] != [moved.stored(doc) for doc in range(300)]
        for key in map(str, range(300)):
            assert plain.stored(plain.doc(key)) == moved.stored(moved.doc(key))
