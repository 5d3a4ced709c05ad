"""Han runs -> words, by jieba's algorithm: the most probable path through its dictionary, a hidden Markov model for what the dictionary lacks.

The kernels of ``han_kernels.py`` do the work; jieba remains the source of the dictionary and of the model, and the oracle in the tests. Every
segmenter is an object of its own: no state in the jieba package is changed, and nothing is written to shared temporary folders, where jieba keeps
a cache that any user of the machine could forge. The dictionary is read when the first Han run is segmented.
"""

import hashlib
import importlib.util
import math
import re
import threading
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from indexer.lexicon import Lexicon
from indexer.scripts import HAN

if TYPE_CHECKING:
    import numpy as np

_HAN = re.compile(f"[{HAN}]")
# Slots of the trie's table: just enough for jieba's half a million nodes; it is doubled for what needs more.
FIRST_SIZE = 1 << 20
# In the order of han_kernels.B, E, M, S.
STATES = "BEMS"


class Tables(NamedTuple):
    """The dictionary as a trie, and the model; see ``han_kernels.py``."""

    keys: "np.ndarray"
    children: "np.ndarray"
    freqs: "np.ndarray"
    weights: "np.ndarray"
    unknown: float
    starts: "np.ndarray"
    moves: "np.ndarray"
    emits: "np.ndarray"


class Segmenter:
    """Words of Han runs in any text; thread-safe."""

    def __init__(self, lexicon: Lexicon | None = None) -> None:
        self._lexicon = lexicon or Lexicon()
        self._lock = threading.Lock()
        self._loaded: Tables | None = None

    def search_words(self, text: str) -> list[tuple[int, int]]:
        """(start, end) of words of two and more characters in the Han runs of ``text`` (folded), overlapping as in jieba's search mode."""
        return sorted((start, end) for start, end in self._segment(text, True) if end - start > 1)

    def words(self, text: str) -> list[tuple[int, int]]:
        """(start, end) of the words of the Han runs of ``text`` (folded), one after the other."""
        return self._segment(text, False)

    def _segment(self, text: str, search: bool) -> list[tuple[int, int]]:
        if not _HAN.search(text):
            return []
        # Numba takes a while to import, and most English collections never need it here.
        import numpy as np

        from indexer.han_kernels import segment

        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        spans = segment(codes, *self.tables, search)
        return list(zip(spans[:, 0].tolist(), spans[:, 1].tolist()))

    @property
    def tables(self) -> Tables:
        """The arguments of the kernels after the text; see ``han_kernels.py``."""
        if self._loaded is None:
            with self._lock:
                if self._loaded is None:
                    self._loaded = _load(self._lexicon)
        return self._loaded


def _load(lexicon: Lexicon) -> Tables:
    words, freqs = _dictionary()
    total = sum(freqs)
    tables = _trie(words, freqs, total)
    if not lexicon.words:
        return tables
    for word, freq in lexicon.words:
        freq = freq or _sufficient(word, tables, total)
        words.append(word)
        freqs.append(freq)
        total += freq
    return _trie(words, freqs, total)


def _dictionary() -> tuple[list[str], list[int]]:
    """Words and frequencies of jieba's dictionary: lines of word, frequency, part of speech."""
    columns = _dictionary_path().read_text(encoding="utf-8").split()
    return columns[0::3], list(map(int, columns[1::3]))


def _trie(words: list[str], word_freqs: list[int], total: int) -> Tables:
    import numpy as np

    from indexer.han_kernels import add_words

    ends = np.cumsum(np.fromiter(map(len, words), np.int64, len(words)))
    chars, counts = np.frombuffer("".join(words).encode("utf-32-le"), np.uint32), np.array(word_freqs, np.int64)
    size, nodes = FIRST_SIZE // 2, 0
    while not nodes:
        size *= 2
        keys, children, freqs = np.zeros(size, np.uint64), np.zeros(size, np.int32), np.zeros(size // 2, np.int64)
        nodes = add_words(chars, ends, counts, keys, children, freqs)
    freqs = freqs[:nodes].copy()
    log_total = math.log(total)
    # math.log, as jieba: NumPy's may differ in the last bit.
    weights = np.array([math.log(freq or 1) - log_total for freq in freqs.tolist()])
    return Tables(keys, children, freqs, weights, -log_total, *_model())


def _sufficient(word: str, tables: Tables, total: int) -> int:
    """A frequency that makes ``word`` more probable than what it is cut into without it."""
    import numpy as np

    from indexer.han_kernels import best_path, find

    codes = np.frombuffer(word.encode("utf-32-le"), np.uint32)
    scores = np.empty(len(word) + 1)
    best_path(codes, 0, len(word), *tables[:5], np.empty(len(word) + 1, np.int32), scores)
    node = find(codes, 0, len(word), tables.keys, tables.children)
    return max(int(math.exp(scores[0]) * total) + 1, int(tables.freqs[node]) if node >= 0 else 1)


@cache
def _model() -> "tuple[np.ndarray, np.ndarray, np.ndarray]":
    """jieba's hidden Markov model: log probabilities to start, to move and to emit, by state."""
    import numpy as np
    from jieba.finalseg import prob_emit, prob_start, prob_trans

    from indexer.han_kernels import FIRST, LAST, NOTHING

    starts = np.array([prob_start.P[state] for state in STATES])
    moves = np.array([[prob_trans.P[a].get(b, NOTHING) for b in STATES] for a in STATES])
    emits = np.full((len(STATES), LAST - FIRST + 1), NOTHING)
    for row, state in zip(emits, STATES):
        for char, probability in prob_emit.P[state].items():
            if FIRST <= ord(char) <= LAST:
                row[ord(char) - FIRST] = probability
    return starts, moves, emits


def _dictionary_path() -> Path:
    """jieba's dictionary, found without importing jieba."""
    spec = importlib.util.find_spec("jieba")
    assert spec is not None and spec.submodule_search_locations, "jieba is a dependency"
    return Path(spec.submodule_search_locations[0]) / "dict.txt"


@cache
def dictionary_hash() -> str:
    """SHA-256 of jieba's dictionary."""
    return hashlib.sha256(_dictionary_path().read_bytes()).hexdigest()
