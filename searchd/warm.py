"""``python -m searchd.warm``: compile every kernel of building and searching into the cache, so that nobody's first search waits for it.

Kernels are compiled by doing with a tiny collection, in a temporary folder, what a service does. It takes half a minute of CPU time once for each
version of the sources; installations run it as their last step.
"""

import tempfile
from pathlib import Path

from indexer.changes import apply_changes
from indexer.schema import Field, Schema
from searchd.engine import Engine
from searchd.warm_changes import COPIES, SCHEMA, built, document, warm_changes

PLAIN = Schema(fields=(Field("text", "text", analyzer="whitespace"),))
QUERIES = ("the search", "全文搜索 engine", '"search engine" -slow', "eng* OR title:search")
# Corrected, and read as pinyin.
MISTYPED = ("saerch engine", "serch", "全文搜锁引擎", "sousuo")


def warm(folder: Path) -> None:
    """Build, change, search in every mode, complete and explain, in ``folder``."""
    (folder / "changes").mkdir()
    warm_changes(folder / "changes")
    home = built(folder / "standard", [document(number) for number in range(COPIES)], SCHEMA)
    apply_changes(home, [], ["1"])
    with Engine(home) as engine:
        for query in QUERIES:
            for mode in ("or", "and"):
                engine.search(query, mode=mode, filter="integer >= 2000", facets=("keyword",), sort=None, explain=True, log=False)
                engine.search(query, mode=mode, log=False)
            engine.search(query, sort="integer:desc,keyword", log=False)
        engine.search("search engine text", minimum_should_match=2, log=False)
        for query in MISTYPED:
            engine.search(query, log=False)
        engine.suggest("sea")
        engine.rank("search engine", 100, "none")
    plain = built(folder / "plain", [{"id": str(n), "text": f"a b c{n % 7}"} for n in range(COPIES)], PLAIN)
    with Engine(plain) as engine:
        for mode in ("or", "and", "phrase"):
            engine.retrieve("a c1", k=10, mode=mode)
            engine.retrieve("a b c1", k=1000, mode=mode)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        warm(Path(temporary))
