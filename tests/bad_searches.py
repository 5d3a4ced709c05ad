"""Searches over an index whose sections are damaged one after the other, for a process that may die of it."""

import random
from contextlib import suppress
from pathlib import Path

from indexer.errors import SearchdError
from indexer.home import Home
from searchd.engine import Engine

QUERIES = ("list event", '"event loop"', "正则表达式", "re* -loop", "title:list", "zebrafish OR platypus")
FLIPS = 3


def survived(root, places):
    """How many damages were tried: FLIPS random bytes of each (file, section, offset inside it). SearchdError is the only way out."""
    chance = random.Random(5)
    tried = 0
    for file, _section, place in places:
        path = Path(file)
        whole = path.read_bytes()
        for _ in range(FLIPS):
            damaged = bytearray(whole)
            damaged[place] = chance.randrange(256)
            path.write_bytes(damaged)
            _search(root)
            tried += 1
        path.write_bytes(whole)
    return tried


def _search(root):
    with suppress(SearchdError), Engine(Home.at(root)) as engine:
        for query in QUERIES:
            with suppress(SearchdError):
                engine.search(query, limit=50, filter="year >= 2000", facets=["tag"], model="none", log=False)
