"""Words that go across scripts (T恤, 维生素C, AA制), kept whole: what they are, and where a text has them.

Runs of letters and runs of Han are analysed apart, so such a word would be found only in pieces. Those of jieba's dictionary, a few that it lacks
and the user's are looked for in the text: from each word run, since every mixed word has one, and from the characters before it. A match begins
and ends where a run of letters does or inside a run of characters, so T恤 is not in AT恤, but in T恤衫; words inside words are all found. The word is
an additional term at the first of the positions that it spans, as whole codes are; what it consists of is indexed as without it.
"""

import re
from collections.abc import Iterable, Iterator, Set
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from indexer.folding import LOWER, fold_keeping_case, same_case
from indexer.han_dictionary import mixed_entries
from indexer.words import ANY_RUN, WORD_RUN

if TYPE_CHECKING:
    import numpy as np

# What jieba's dictionary lacks and everybody writes.
COMMON = "卡拉OK K歌 K线 B站 P图 IT业 V领 维生素A 维生素B 维生素C 维生素D 维生素E 维生素K T细胞 B细胞 X染色体 Y染色体"
_SPACE = re.compile(r"\s")


class Head(NamedTuple):
    """A word as seen from its first word run: the run stands at ``before``, the last one ends at ``last_end``."""

    word: str
    before: int
    last_start: int
    last_end: int

    def ends_in(self, text: str, start: int) -> bool:
        """Whether the last word run of a match from ``start`` ends in the text where it does in the word."""
        run = WORD_RUN.match(text, start + self.last_start)
        return run is not None and run.end() == start + self.last_end


class MixedTables(NamedTuple):
    """For kernels. A trie as in ``han_kernels.py`` whose values are numbers of words; word i ends its last run at ``last_ends[i]`` and is
    ``data[ends[i]:ends[i + 1]]`` in UTF-8. ``lower`` by code point; no word has more than ``before`` characters before its first run;
    ``nested`` of them may begin at one place; ``longest``: bytes of the longest; ``ascii``: some have ASCII alone."""

    keys: "np.ndarray"
    values: "np.ndarray"
    last_ends: "np.ndarray"
    data: "np.ndarray"
    ends: "np.ndarray"
    lower: "np.ndarray"
    before: int
    nested: int
    longest: int
    ascii: bool


def is_mixed(word: str) -> bool:
    """Whether a folded word is more than one run, one of them of letters, and begins and ends with one."""
    runs = list(ANY_RUN.finditer(word))
    if len(runs) < 2 or _SPACE.search(word) or not any(run[2] for run in runs):
        return False
    return runs[0].start() == 0 and runs[-1].end() == len(word)


@cache
def known_words() -> tuple[str, ...]:
    """Those of jieba's dictionary and the common ones, folded."""
    return tuple(sorted({same_case(fold_keeping_case(word)) for word in (*mixed_entries(), *COMMON.split())}))


class MixedWords:
    """Those that are known and those of a user (folded by ``same_case`` and ``fold_keeping_case``); immutable."""

    def __init__(self, words: Iterable[str] = ()) -> None:
        self.words = tuple(sorted({word for word in (*known_words(), *words) if is_mixed(word)}))
        self.terms = frozenset(self.words)
        self.ascii = any(word.isascii() for word in self.words)
        self._heads: dict[str, list[Head]] = {}
        for word in self.words:
            self._heads.setdefault(_first_run(word), []).append(_head(word))
        self._tables: MixedTables | None = None

    def may_have(self, run: str) -> bool:
        """Whether a word run of a folded text may be the first of a mixed word."""
        return same_case(run) in self._heads

    def find(self, text: str) -> Iterator[tuple[int, int, str]]:
        """(start, end, word) of every mixed word in a folded text, by first word run."""
        lower = same_case(text)
        for run in WORD_RUN.finditer(text):
            for head in self._heads.get(lower[run.start() : run.end()], ()):
                start = run.start() - head.before
                if start >= 0 and lower.startswith(head.word, start) and head.ends_in(text, start):
                    yield start, start + len(head.word), head.word

    def heads_of(self, terms: Set[str], prefixes: tuple[str, ...] = ()) -> list[Head]:
        """Those of the words that are among ``terms`` or begin with one of ``prefixes``."""
        wanted = self.terms & terms
        if prefixes:
            wanted |= {word for word in self.words if word.startswith(prefixes)}
        return [_head(word) for word in sorted(wanted)]

    @property
    def tables(self) -> MixedTables:
        """Made when kernels ask; two threads may both make them."""
        if self._tables is None:
            self._tables = _tables([_head(word) for word in self.words], self.terms, self.ascii)
        return self._tables


def _first_run(word: str) -> str:
    found = WORD_RUN.search(word)
    assert found is not None, word
    return found[0]


def _head(word: str) -> Head:
    runs = list(WORD_RUN.finditer(word))
    return Head(word, runs[0].start(), runs[-1].start(), runs[-1].end())


def _tables(heads: list[Head], terms: frozenset[str], has_ascii: bool) -> MixedTables:
    import numpy as np

    from indexer.han_kernels import NOTHING, add_words
    from indexer.strings import pack
    from indexer.swar import PADDING

    ends = np.cumsum(np.array([len(head.word) for head in heads], np.int64))
    chars = np.frombuffer("".join(head.word for head in heads).encode("utf-32-le"), np.uint32)
    rows = np.zeros((1 << (2 * len(chars) + 2).bit_length(), 2), np.uint64)
    keys, values = rows[:, 0], rows.view(np.float64)[:, 1]
    values[:] = NOTHING
    add_words(chars, ends, np.arange(len(heads), dtype=np.float64), keys, values, 0)
    packed = pack([head.word for head in heads])
    data = np.concatenate([packed.data, np.zeros(PADDING, np.uint8)])
    before = max((head.before for head in heads), default=0)
    nested = max((sum(head.word[:i] in terms for i in range(1, len(head.word) + 1)) for head in heads), default=0)
    last_ends = np.array([head.last_end for head in heads], np.int32)
    ends, lower = packed.offsets.astype(np.int64), np.array(LOWER, np.int32)
    longest = int(np.diff(ends).max(initial=0))
    return MixedTables(keys, values, last_ends, data, ends, lower, before, nested, longest, has_ascii)
