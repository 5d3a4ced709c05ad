"""Han runs -> words, by jieba's algorithm: the most probable path through its dictionary, a hidden Markov model for what the dictionary lacks.

Every segmenter is an object of its own: no state in the jieba package is changed and nothing is written to shared temporary folders, where jieba
would keep a cache that any user of the machine could forge. The dictionary is read (about a second) when the first Han run is segmented.
"""

import hashlib
import importlib.util
import re
import threading
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from indexer.lexicon import Lexicon
from indexer.scripts import HAN

if TYPE_CHECKING:
    from jieba import Tokenizer

_HAN_RUN = re.compile(f"[{HAN}]+")
# Longer runs are cut in pieces: jieba keeps a list per character, and classical text or noise may have no punctuation at all.
MAX_RUN = 2000


class Segmenter:
    """Words of Han runs; thread-safe."""

    def __init__(self, lexicon: Lexicon | None = None) -> None:
        self._lexicon = lexicon or Lexicon()
        self._lock = threading.Lock()
        self._loaded: Tokenizer | None = None

    def search_words(self, run: str) -> list[tuple[int, int]]:
        """(start, end) of words of two and more characters in ``run`` (folded), overlapping as in jieba's search mode, by start."""
        found: list[tuple[int, int]] = []
        for base, piece in _pieces(run):
            if len(piece) < 2:
                continue
            words = self._tokenizer.tokenize(piece, mode="search")
            found += [(base + start, base + end) for _, start, end in words if end - start > 1]
        return sorted(found)

    def words(self, run: str) -> list[tuple[int, int]]:
        """(start, end) of the words of the Han parts of ``run``, one after the other."""
        return [(base + start, base + end) for base, piece in _pieces(run) for _, start, end in self._tokenizer.tokenize(piece)]

    @property
    def _tokenizer(self) -> "Tokenizer":
        if self._loaded is None:
            with self._lock:
                if self._loaded is None:
                    self._loaded = _load(self._lexicon)
        return self._loaded


def _pieces(run: str) -> list[tuple[int, str]]:
    """(start, text) of the Han parts of ``run``."""
    spans = [m.span() for m in _HAN_RUN.finditer(run)]
    return [(at, run[at : min(at + MAX_RUN, end)]) for start, end in spans for at in range(start, end, MAX_RUN)]


def _load(lexicon: Lexicon) -> "Tokenizer":
    import jieba  # slow to import, and most English collections never need it

    tokenizer = jieba.Tokenizer()
    tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
    # Set before anything calls initialize(), which would read and write the cache in the temporary folder.
    tokenizer.initialized = True
    for word, frequency in lexicon.words:
        _add_word(tokenizer, word, frequency)
    return tokenizer


def _add_word(tokenizer: Any, word: str, frequency: int) -> None:
    """jieba's add_word without its global set of words never to join."""
    frequency = frequency or tokenizer.suggest_freq(word)
    tokenizer.total += frequency - tokenizer.FREQ.get(word, 0)
    tokenizer.FREQ[word] = frequency
    for end in range(1, len(word)):
        tokenizer.FREQ.setdefault(word[:end], 0)


@cache
def dictionary_hash() -> str:
    """SHA-256 of jieba's dictionary, without importing jieba."""
    spec = importlib.util.find_spec("jieba")
    assert spec is not None and spec.submodule_search_locations, "jieba is a dependency"
    return hashlib.sha256((Path(spec.submodule_search_locations[0]) / "dict.txt").read_bytes()).hexdigest()
