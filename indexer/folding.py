"""Text -> the text that is analysed: compatibility forms, traditional characters and Latin accents folded away, with a map back to the original.

NFKC is a mapping of single characters but for those that join with the one before, so folding is ``str.translate`` over a table that fills itself;
the few joining sequences are composed first. Letter case stays (words are folded one by one, cached, and their humps are read before): ``fold`` is
the form without case, for comparing strings.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache

import opencc

from indexer.scripts import HAN

# Everything that composes with the character before it (Unicode 14, primary composites) and half-width sound marks.
_JOINING = (
    "\u0300-\u0345\u0653-\u0655\u093c\u09be\u09d7\u0b3e\u0b56\u0b57\u0bbe\u0bd7\u0c56\u0cc2\u0cd5\u0cd6\u0d3e\u0d57\u0dca\u0dcf\u0ddf"
    "\u102e\u1161-\u1175\u11a8-\u11c2\u1b35\u3099\u309a\uff9e\uff9f\uffa0-\uffdc"
    "\U000110ba\U00011127\U0001133e\U00011357\U000114b0\U000114ba\U000114bd\U000115af\U00011930"
)
# At most 30 marks (the bound of Unicode's stream-safe text): composing is quadratic in their number.
_CLUSTER = re.compile(rf".[{_JOINING}]{{1,30}}", re.DOTALL)
_JOINER = re.compile(f"[{_JOINING}]")
_HAN = re.compile(f"[{HAN}\u3400-\u4dbf\uf900-\ufaff\U00020000-\U0003ffff]")

_SPECIAL = {
    **dict(zip("\u2018\u2019\u02bc\u2032", "''''")),
    **dict(zip("\u2122\u2120\u200b\u2026", "   .")),
    **dict.fromkeys("\u00ad\u200c\u200d\u2060\ufeff", ""),
    **dict(zip("øØłŁđĐħĦŧŦı", "oOlLdDhHtTi")),
    "æ": "ae",
    "Æ": "AE",
    "œ": "oe",
    "Œ": "OE",
}
# Marks that say nothing when they stand on no letter that composes with them.
_DROPPED = re.compile("[\u0300-\u036f\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_BMP = 0x10000


class _Table(dict):
    """Code point -> its folded text; filled as characters are seen. ``irregular``: characters whose folded text has not length 1."""

    def __init__(self) -> None:
        super().__init__()
        self.irregular: set[str] = set()
        self._simplify = opencc.OpenCC("t2s").convert

    def __missing__(self, code: int) -> str:
        char = chr(code)
        folded = self._fold(char)
        if len(folded) != 1:
            self.irregular.add(char)
        # Beyond the first plane only what changes is kept, so that no text can make the table large.
        if code < _BMP or folded != char:
            self[code] = folded
        return folded

    def _fold(self, char: str) -> str:
        special = _SPECIAL.get(char)
        if special is not None:
            return special
        folded = _without_accents(unicodedata.normalize("NFKC", char))
        folded = _DROPPED.sub("", folded)
        return self._simplify(folded) if _HAN.search(folded) else folded


@cache
def _table() -> _Table:
    return _Table()


def _without_accents(text: str) -> str:
    """Latin letters without marks; other scripts keep theirs, which make other letters (й, が)."""
    return "".join(_bare(char) for char in text)


def _bare(char: str) -> str:
    if char.isascii() or not unicodedata.name(char, "").startswith("LATIN"):
        return char
    base = "".join(c for c in unicodedata.normalize("NFD", char) if not unicodedata.combining(c))
    return _SPECIAL.get(base, base)


def _compose(cluster: re.Match[str]) -> str:
    return unicodedata.normalize("NFKC", cluster[0])


def joins(char: str) -> bool:
    """Whether a character composes with the one before."""
    return _JOINER.match(char) is not None


def compose(text: str) -> str:
    """``text`` with composed characters where there are any."""
    return _CLUSTER.sub(_compose, text) if _JOINER.search(text) else text


def folded_character(code: int) -> str:
    """What a character of composed text becomes."""
    return _table()[code]


def fold_keeping_case(text: str) -> str:
    """The text that is analysed; any str will do, lone surrogates and control characters stay as they are."""
    if text.isascii():
        return text
    # Searching for a joiner alone is three times as fast as for a cluster, and there is hardly ever one.
    return compose(text).translate(_table())


def fold(text: str) -> str:
    """``text`` without differences of width, case, traditional or simplified characters and Latin accents."""
    return fold_keeping_case(text).casefold()


def _lower(code: int) -> int:
    folded = chr(code).casefold()
    return ord(folded) if len(folded) == 1 else code


# Lower-case form of every Latin, Greek, Cyrillic and Armenian letter that has one of a single character, by code point.
LOWER = tuple(map(_lower, range(0x590)))
_LOWER_TABLE = {code: lower for code, lower in enumerate(LOWER) if code != lower}


def same_case(folded: str) -> str:
    """``folded`` in lower case, character by character: places stay what they are, which ``casefold`` does not promise."""
    return folded.translate(_LOWER_TABLE)


class Folded:
    """``text``, folded but for case, and the way from places in it to places in the original; both count code points."""

    def __init__(self, original: str) -> None:
        self.text = fold_keeping_case(original)
        self.original = original
        self._given: list[int] | None = None
        self._known = original.isascii()

    @property
    def origins(self) -> list[int] | None:
        """Index in the original of every folded character; None: they are the same."""
        if not self._known:
            # By hand: the lock of a cached property takes as long as folding a query. Folding twice is folding once, so a text that folds to
            # itself has no character that folds to several or to none.
            self._given = None if self.text == self.original else self._find_origins()
            self._known = True
        return self._given

    def _find_origins(self) -> list[int] | None:
        original = self.original
        table = _table()
        # Folding has filled the table, so every irregular character of the text is known.
        if not _JOINER.search(original) and table.irregular.isdisjoint(original):
            return None
        return [start for start, piece in _pieces(original) for _ in piece.translate(table)]

    @property
    def unmoved(self) -> bool:
        """Whether places in the folded text are places in the original."""
        return self.origins is None

    def start(self, folded: int) -> int:
        """Where the folded character at ``folded`` comes from; the end of the folded text is the end of the original."""
        if self.origins is None:
            return folded
        return self.origins[folded] if folded < len(self.origins) else len(self.original)

    def end(self, folded: int) -> int:
        """The end of what the characters before ``folded`` come from; ``folded`` >= 1."""
        origins = self.origins
        if origins is None:
            return folded
        while folded < len(origins) and origins[folded] == origins[folded - 1]:
            folded += 1
        return origins[folded] if folded < len(origins) else len(self.original)


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """(start, text to translate) of every character and composed cluster."""
    at = 0
    for cluster in _CLUSTER.finditer(text):
        yield from enumerate(text[at : cluster.start()], at)
        yield cluster.start(), _compose(cluster)
        at = cluster.end()
    yield from enumerate(text[at:], at)
