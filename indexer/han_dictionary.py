"""jieba's dictionary: its file, found without importing jieba, and those of its words that are not Han alone."""

import hashlib
import importlib.util
import re
from functools import cache
from pathlib import Path

from indexer.scripts import HAN

_MIXED_LINE = re.compile(rf"^(?![{HAN}]+ )(\S+) ", re.MULTILINE)


def dictionary_path() -> Path:
    """jieba's dictionary: lines of word, frequency, part of speech."""
    spec = importlib.util.find_spec("jieba")
    assert spec is not None and spec.submodule_search_locations, "jieba is a dependency"
    return Path(spec.submodule_search_locations[0]) / "dict.txt"


@cache
def dictionary_hash() -> str:
    """SHA-256 of jieba's dictionary."""
    return hashlib.sha256(dictionary_path().read_bytes()).hexdigest()


@cache
def mixed_entries() -> tuple[str, ...]:
    """The words of jieba's dictionary that have other characters than Han (T恤, AA制, C++)."""
    return tuple(_MIXED_LINE.findall(dictionary_path().read_text(encoding="utf-8")))
