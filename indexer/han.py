"""Han runs -> words, by jieba's algorithm: the most probable path through its dictionary, a hidden Markov model for what the dictionary lacks.

The kernels of ``han_kernels.py`` do the work, on the tables of ``han_tables.py``; jieba remains the source of the dictionary and of the model, and
the oracle in the tests. Every segmenter is an object of its own: no state in the jieba package is changed, and nothing is written to shared
temporary folders, where jieba keeps a cache that any user of the machine could forge. The tables are made when the first Han run is segmented.
"""

import re
import threading
from typing import TYPE_CHECKING, Any

from indexer.lexicon import Lexicon
from indexer.scripts import HAN

if TYPE_CHECKING:
    from indexer.han_kernels import Tables

_HAN = re.compile(f"[{HAN}]")


class Segmenter:
    """Words of Han runs in any text; thread-safe."""

    def __init__(self, lexicon: Lexicon | None = None) -> None:
        self._lexicon = lexicon or Lexicon()
        self._lock = threading.Lock()
        self._loaded: Tables | None = None
        self._codes: Any = None
        self._code: Any = None
        self._kernel: Any = None

    def search_words(self, text: str, unknown: bool = True) -> list[tuple[int, int]]:
        """(start, end) of words of two and more characters in the Han runs of ``text`` (folded), overlapping as in jieba's search mode."""
        return sorted((start, end) for start, end in self._segment(text, True, unknown) if end - start > 1)

    def words(self, text: str, unknown: bool = True) -> list[tuple[int, int]]:
        """(start, end) of the words of the Han runs of ``text`` (folded), one after the other: jieba's ``cut``.

        ``unknown``: what the dictionary lacks is made words by the hidden Markov model; without it those are single characters.
        """
        return self._segment(text, False, unknown)

    def query_words(self, text: str) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """(``search_words``, ``words``, the latter from the last to the first) of a text by one call of the kernel, which costs more than a query."""
        found = self._spans(text, True, True)
        cut, first = [], len(text)
        for start, end in reversed(found):
            # In jieba's order a word comes behind those inside it.
            if start < first:
                cut.append((start, end))
                first = start
        return sorted([(start, end) for start, end in found if end - start > 1]), cut

    def _segment(self, text: str, search: bool, unknown: bool) -> list[tuple[int, int]]:
        return [(start, end) for start, end in self._spans(text, search, unknown)]

    def _spans(self, text: str, search: bool, unknown: bool) -> list[list[int]]:
        """[start, end] of what the kernel finds."""
        if not _HAN.search(text):
            return []
        tables = self._loaded or self.tables
        codes = self._codes(text.encode("utf-32-le", "surrogatepass"), self._code)
        return self._kernel(codes, search, unknown, *tables).tolist()

    @property
    def tables(self) -> "Tables":
        """The arguments of the kernels after the text; see ``han_kernels.py``."""
        if self._loaded is None:
            with self._lock:
                if self._loaded is None:
                    # Numba takes a while to import, and most English collections never need it here.
                    from numpy import dtype, frombuffer

                    from indexer.han_kernels import segment
                    from indexer.han_tables import load_tables

                    # An import in a function takes longer than a short text.
                    self._codes, self._code, self._kernel = frombuffer, dtype("u4"), segment
                    self._loaded = load_tables(self._lexicon.han_words)
        return self._loaded
