"""Small indexes for tests: a schema with every type of field, documents to go with it, and a build in batches."""

from collections.abc import Sequence
from pathlib import Path

from hypothesis import strategies as st

from indexer.documents import Document
from indexer.home import Home
from indexer.index import Index, lexicon_of
from indexer.inverter import Run, invert
from indexer.manifest import write_manifest
from indexer.merge import SegmentInfo, write_segment
from indexer.publish import publish, stage, writer_lock
from indexer.schema import Schema

SCHEMA = Schema.from_dict(
    {
        "fields": {
            "title": {"type": "text", "analyzer": "whitespace", "weight": 2.0},
            "body": {"type": "text", "analyzer": "whitespace", "facet": True},
            "year": {"type": "integer"},
            "price": {"type": "float"},
            "day": {"type": "date"},
            "open": {"type": "boolean"},
            "tags": {"type": "keyword"},
            "note": {"type": "stored"},
        }
    }
)

WORDS = ["a", "b", "ab", "数据", "search", "engine", "é", "zz"]
_text = st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join)
_fields = st.fixed_dictionaries(
    {},
    optional={
        "title": _text,
        "body": st.one_of(_text, st.lists(_text, max_size=3)),
        "year": st.integers(-(2**63), 2**63 - 1),
        "price": st.floats(allow_nan=False, allow_infinity=False),
        "day": st.dates().map(lambda day: day.isoformat()),
        "open": st.booleans(),
        "tags": st.one_of(st.sampled_from(WORDS), st.lists(st.sampled_from(WORDS), max_size=3)),
        "note": st.text(max_size=5),
    },
)


def documents(max_size: int = 20, keys: int = 12) -> st.SearchStrategy[list[Document]]:
    """Lists of documents; keys repeat now and then."""
    key = st.integers(0, keys).map(lambda n: f"key-{n}")
    return st.lists(st.builds(Document, key, _fields), max_size=max_size)


def sample(n: int, start: int = 0) -> list[Document]:
    """``n`` documents with distinct keys and fields of every type."""
    return [
        Document(
            f"key-{i}",
            {
                "title": f"title {WORDS[i % 8]}",
                "body": [f"{WORDS[i % 3]} b a word{i}", "second value"],
                "year": 2000 + i % 7,
                "price": i / 4,
                "day": "2020-01-02",
                "open": i % 2 == 0,
                "tags": [WORDS[i % 5], "all"],
                "note": {"deep": i},
            },
        )
        for i in range(start, start + n)
    ]


def runs_of(docs: Sequence[Document], sizes: Sequence[int], schema: Schema = SCHEMA) -> list[Run]:
    """Runs of consecutive batches of ``sizes`` documents, the last one taking the rest."""
    borders = [0]
    for size in sizes:
        borders.append(min(len(docs), borders[-1] + size))
    borders.append(len(docs))
    return [invert(docs[a:b], schema) for a, b in zip(borders, borders[1:])]


def build_segment(path: Path, docs: Sequence[Document], sizes: Sequence[int] = (), schema: Schema = SCHEMA) -> SegmentInfo:
    """One segment file of documents inverted in batches."""
    return write_segment(runs_of(docs, sizes, schema), schema, path)


def build_home(root: Path, docs: Sequence[Document], schema: Schema = SCHEMA) -> Home:
    """Publish a generation of one segment in the home at ``root``."""
    home = Home.at(root)
    with writer_lock(home):
        staged = stage(home)
        info = build_segment(staged / "0000.seg", docs, (), schema)
        write_manifest(staged, schema, [info], lexicon_of(home))
        publish(home, staged)
    return home


def open_home(root: Path, docs: Sequence[Document], schema: Schema = SCHEMA) -> Index:
    """The index of a freshly built home."""
    return Index.open(build_home(root, docs, schema))
