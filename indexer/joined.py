"""Several texts one after the other as one array of code points, also folded: what kernels search at once.

A page of results has some fifty short texts, and a call of a kernel costs more than such a text. No text knows of its neighbours: whoever searches
keeps to the borders.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np

from indexer.characters import UNSEEN, characters, joining_characters
from indexer.code_points import codes_of, text_of
from indexer.folding import Folded, compose

_UNMOVED = np.zeros(0, np.int64)


class FoldedTexts:
    """N folded texts: number i is ``codes[borders[i]:borders[i + 1]]``, int32.

    ``origins`` int64[len(codes)]: where each character comes from in the original; empty: they are where they were.
    """

    def __init__(self, codes: np.ndarray, borders: np.ndarray, origins: np.ndarray = _UNMOVED, text: str | None = None) -> None:
        """``text``: all of them as a str, when it is known."""
        self.codes, self.borders, self.origins, self._text = codes, borders, origins, text

    @property
    def text(self) -> str:
        """All texts; made when somebody asks."""
        if self._text is None:
            self._text = text_of(self.codes)
        return self._text


class JoinedTexts:
    """N texts: number i is ``codes[borders[i]:borders[i + 1]]``, int32; ``text`` is the same as a str."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.text = "".join(texts)
        self.borders = np.array([0, *map(len, texts)]).cumsum()
        self.codes = codes_of(self.text)

    def chosen(self, numbers: np.ndarray) -> Iterator[tuple[int, str]]:
        """(where it begins, the text) of the texts of these numbers, int64."""
        for start, end in zip(self.borders[numbers].tolist(), self.borders[numbers + 1].tolist()):
            yield start, self.text[start:end]

    @cached_property
    def folded(self) -> FoldedTexts:
        """The texts as ``folding.py`` folds each of them."""
        if self.text.isascii():
            return FoldedTexts(self.codes, self.borders, text=self.text)
        if joining_characters()[self.codes].any():
            return self._folded_one_by_one()
        found = characters()
        folded = found.folded[self.codes]
        if folded.min() >= 0:
            return FoldedTexts(folded, self.borders)
        found.learn(np.unique(self.codes[folded == UNSEEN]))
        _, _, expansions, ends = found.tables
        origins, folded = _expanded(found.folded[self.codes], expansions, ends)
        # The first character of a text is the first one that comes from behind its border.
        return FoldedTexts(folded, np.searchsorted(origins, self.borders) if len(origins) else self.borders, origins)

    def _folded_one_by_one(self) -> FoldedTexts:
        """With characters that join with the one before, which may be no character of another text."""
        texts = [Folded(text) for _, text in self.chosen(np.arange(len(self.borders) - 1))]
        characters().learn(np.unique(codes_of("".join(compose(text.original) for text in texts))))
        origins = [np.arange(len(text.text)) if text.origins is None else np.array(text.origins, np.int64) for text in texts]
        moved = np.concatenate([start + places for start, places in zip(self.borders.tolist(), origins)])
        joined = "".join(text.text for text in texts)
        return FoldedTexts(codes_of(joined), np.array([0, *(len(text.text) for text in texts)]).cumsum(), moved, joined)


def _expanded(folded: np.ndarray, expansions: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(where every folded character comes from, the folded characters) when some may become none or several."""
    places = np.flatnonzero(folded < 0)
    if not len(places):
        return _UNMOVED, folded
    numbers = -2 - folded[places]
    sizes = np.ones(len(folded), np.int64)
    sizes[places] = ends[numbers + 1] - ends[numbers]
    origins = np.repeat(np.arange(len(folded)), sizes)
    filled, firsts = folded[origins], np.cumsum(sizes) - sizes
    for place, number in zip(places.tolist(), numbers.tolist()):
        filled[firsts[place] : firsts[place] + sizes[place]] = expansions[ends[number] : ends[number + 1]]
    return origins, filled
