"""Queries that many people ask -> which of them a query with a typing error was probably meant to be.

They are compared as a whole: Latin ones word by word, each word within the edits that it is allowed (``spelling.py``); Chinese ones by sound and by
shape, as the words of documents are (``han_spelling.py``).
"""

import numpy as np

from indexer.folding import fold
from indexer.front_coding import front_code
from indexer.strings import pack
from searchd.han_words import LONGEST, SHORTEST, HanWords
from searchd.kernels_edits import MAX_FOUND, MAX_TYPED, distance, scan
from searchd.look_alikes import look_alikes
from searchd.pinyin import readings
from searchd.spelling import allowed_edits


class Asked:
    """Popular queries, by likeness to another; immutable."""

    def __init__(self, popular: list[tuple[str, int]]) -> None:
        """``popular``: (text, number of clients)."""
        self.popular = popular
        self._texts: dict[str, str] = {}
        self._clients: dict[str, int] = {}
        for text, clients in popular:
            folded = fold(" ".join(text.split()))
            self._texts.setdefault(folded, " ".join(text.split()))
            self._clients[folded] = self._clients.get(folded, 0) + clients
        self._latin = sorted(text for text in self._texts if text.isascii() and len(text) <= MAX_TYPED)
        self._coded = front_code(pack(self._latin))
        self._han = HanWords([(text, clients) for text, clients in self._clients.items() if _is_han(text)])

    def near(self, typed: str, most: int) -> list[str]:
        """Queries that more clients asked than ``typed`` and that are near to it, the likeliest first; ``most`` edits a word."""
        typed = fold(" ".join(typed.split()))
        found = self._edited(typed, most) if typed.isascii() else self._alike(typed) if _is_han(typed) else []
        least = self._clients.get(typed, 0)
        return [self._texts[text] for text in found if self._clients[text] > least]

    def _edited(self, typed: str, most: int) -> list[str]:
        """Latin ones by edits, then by clients."""
        if not self._latin or not 0 < len(typed) <= MAX_TYPED:
            return []
        places, edits = np.empty(MAX_FOUND, np.int64), np.empty(MAX_FOUND, np.int64)
        n = scan(*self._coded, 0, len(self._latin), _letters(typed), most, 0, places, edits)
        near = [(int(edits[i]), self._latin[places[i]]) for i in range(n)]
        kept = [(edit, text) for edit, text in near if edit and _each_allowed(typed, text, most)]
        return [text for _, text in sorted(kept, key=lambda one: (one[0], -self._clients[one[1]], one[1]))]

    def _alike(self, typed: str) -> list[str]:
        shaped = sorted(filter(self._han.df, look_alikes(typed)), key=lambda one: -self._han.df(one))
        return list(dict.fromkeys([*self._han.alike(typed), *shaped]))


def _is_han(text: str) -> bool:
    return SHORTEST <= len(text) <= LONGEST and all(map(readings, text))


def _letters(word: str) -> np.ndarray:
    return np.frombuffer(word.encode(), np.uint8)


def _each_allowed(typed: str, meant: str, most: int) -> bool:
    """Whether the texts have as many words, each within the edits that what was typed is allowed."""
    before, after = typed.split(), meant.split()
    if len(before) != len(after):
        return False
    return all(a == b or distance(_letters(a), _letters(b)) <= allowed_edits(a, most) for a, b in zip(before, after))
