"""Tables that searches need beside an index, as files that all workers map: suggestions, and Chinese words by how they are said.

A file's name says of what it was made: the kind, and a hash of the generation's files and of the program. So whoever finds a file of its name, whole,
may use it, and tables of another generation or of another version are never taken for it. Of each kind the youngest few are kept.
"""

import hashlib
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from indexer.durable import make_folder
from indexer.home import Home
from indexer.jit import sources_hash
from indexer.strings import Strings, pack
from indexer.table_cache import SUFFIX, cached, keep
from searchd.asked import Asked
from searchd.han_words import KIND as HAN_WORDS
from searchd.han_words import HanWords, han_words_of
from searchd.key_table import KeyTable, named, within
from searchd.suggestions import KIND as SUGGESTIONS
from searchd.suggestions import REFRESH_SECONDS, Table, Tables, make_tables

FOLDER = "cache"
KEPT_FILES = 2  # of a kind: those of the generation before go on while the next are made
_STRINGS = ("data", "offsets")


def folder_of(home: Home, otherwise: Path) -> Path:
    """Where the files of a home are: its own folder, or another one if that cannot be written to."""
    own = home.root / FOLDER
    try:
        make_folder(own)
        if os.access(own, os.W_OK | os.X_OK):
            return own
    except OSError:
        pass
    make_folder(otherwise)
    return otherwise


def path_of(folder: Path, kind: str, index: Any) -> Path:
    """The file of one kind of tables of one generation."""
    files = sorted((file.name, file.sha256) for file in index.manifest.files)
    content = orjson.dumps([index.generation, files, sources_hash(Path(__file__))])
    return folder / f"{kind}-{hashlib.sha256(content).hexdigest()[:32]}{SUFFIX}"


def is_fresh(path: Path, kind: str) -> bool:
    """Whether a file is there and need not be made again: what people ask changes, what documents say does not."""
    try:
        return kind == HAN_WORDS or time.time() - path.stat().st_mtime < REFRESH_SECONDS
    except FileNotFoundError:
        return False


def read_tables(path: Path, kind: str) -> Any:
    """What a file holds (``Tables`` or ``HanWords``); None without one that is whole and of this kind."""
    arrays = cached(path)
    try:
        return None if arrays is None else _READERS[kind](arrays)
    except (KeyError, ValueError):  # somebody else's
        return None


def make_file(path: Path, kind: str, index: Any, query_terms: Any) -> None:
    """Make the tables of an index and write their file; raises OSError where it cannot be written."""
    keep(path, _MAKERS[kind](index, query_terms), f"{kind}-*{SUFFIX}", KEPT_FILES)


def suggestion_arrays(tables: Tables) -> dict[str, np.ndarray]:
    """Suggestions as named arrays."""
    popular = tables.asked.popular
    asked = _strings(pack([text for text, _ in popular])) | {"clients": np.array([clients for _, clients in popular], np.int64)}
    return named("phrases", _table(tables.phrases)) | named("words", _table(tables.words)) | named("asked", asked)


def suggestions_of(arrays: Mapping[str, np.ndarray]) -> Tables:
    """The suggestions of what ``suggestion_arrays`` gave."""
    asked = within("asked", arrays)
    popular = list(zip(Strings(asked["data"], asked["offsets"]).texts(), asked["clients"].tolist()))
    return Tables(_table_of(within("phrases", arrays)), _table_of(within("words", arrays)), Asked(popular))


def _table(table: Table) -> dict[str, np.ndarray]:
    strings = named("texts", _strings(table.texts)) | named("groups", _strings(table.groups))
    return strings | {"df": table.df} | named("keys", table.keys.arrays())


def _table_of(arrays: Mapping[str, np.ndarray]) -> Table:
    texts, groups = (Strings(*(arrays[f"{name}.{part}"] for part in _STRINGS)) for name in ("texts", "groups"))
    return Table(texts, groups, arrays["df"], KeyTable.from_arrays(within("keys", arrays)))


def _strings(strings: Strings) -> dict[str, np.ndarray]:
    return dict(zip(_STRINGS, (strings.data, strings.offsets)))


_READERS = {SUGGESTIONS: suggestions_of, HAN_WORDS: HanWords.from_arrays}
_MAKERS = {
    SUGGESTIONS: lambda index, query_terms: suggestion_arrays(make_tables(index, query_terms)),
    HAN_WORDS: lambda index, _: han_words_of(index).arrays(),
}
