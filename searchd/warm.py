"""``python -m searchd.warm``: compile every kernel of building and searching into the cache, so that nobody's first search waits for it.

Kernels are compiled by doing with a tiny collection, in a temporary folder, what a service does. It takes half a minute of CPU time once for each
version of the sources; installations run it as their last step.
"""

import tempfile
from pathlib import Path
from typing import Any

import orjson

from indexer.build import build
from indexer.changes import apply_changes
from indexer.home import Home
from indexer.schema import Field, Schema
from searchd.engine import Engine

SCHEMA = Schema(fields=(Field("title", "text", weight=3.0), Field("body", "text"), Field("tag", "keyword"), Field("year", "integer")))
PLAIN = Schema(fields=(Field("text", "text", analyzer="whitespace"),))
QUERIES = ("the search", "全文搜索 engine", '"search engine" -slow', "eng* OR title:search")
# Corrected, and read as pinyin.
MISTYPED = ("saerch engine", "serch", "全文搜锁引擎", "sousuo")
# Enough documents with one term that it is no rare one and gets its tables.
COPIES = 300


def warm(folder: Path) -> None:
    """Build, search in every mode, complete and explain, in ``folder``."""
    home = _built(folder / "standard", [_document(number) for number in range(COPIES)], SCHEMA)
    apply_changes(home, [], ["1"])
    with Engine(home) as engine:
        for query in QUERIES:
            for mode in ("or", "and"):
                engine.search(query, mode=mode, filter="year >= 2000", facets=("tag",), sort=None, explain=True, log=False)
                engine.search(query, mode=mode, log=False)
            engine.search(query, sort="year:desc,tag", log=False)
        engine.search("search engine text", minimum_should_match=2, log=False)
        for query in MISTYPED:
            engine.search(query, log=False)
        engine.suggest("sea")
        engine.rank("search engine", 100, "none")
    plain = _built(folder / "plain", [{"id": str(n), "text": f"a b c{n % 7}"} for n in range(COPIES)], PLAIN)
    with Engine(plain) as engine:
        for mode in ("or", "and", "phrase"):
            engine.retrieve("a c1", k=10, mode=mode)
            engine.retrieve("a b c1", k=1000, mode=mode)


def _built(folder: Path, documents: list[dict[str, Any]], schema: Schema) -> Home:
    folder.mkdir()
    source = folder / "documents.jsonl"
    source.write_bytes(b"".join(orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE) for document in documents))
    build(Home(folder), [str(source)], schema)
    return Home(folder)


def _document(number: int) -> dict[str, Any]:
    return {
        "id": str(number),
        "title": f"search engine {number % 9}",
        "body": "A fast 全文搜索引擎 for text.",
        "tag": "demo",
        "year": 2000 + number % 20,
    }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        warm(Path(temporary))
