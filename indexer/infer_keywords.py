"""Which string fields are columns of a few values as well as text, to filter by and to count: languages, collections, departments.

Looked at are up to ``A_CHUNK`` documents from all over every chunk of the sources. A field is a keyword column when at least ``DOCUMENTS`` of them
have it, with at least two and at most ``VALUES`` different values among them, none longer than ``CHARACTERS``. Fewer documents tell nothing: with a
hundred, authors look like a column as well. What such a field says is searched as text all the same; titles are no columns, whatever they hold.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np

A_CHUNK = 2000
DOCUMENTS, VALUES, CHARACTERS = 1000, 30, 40


class Values:
    """What the sampled documents have in one field."""

    def __init__(self) -> None:
        self._documents = 0
        self._distinct: set[str] | None = set()  # None: they are too many or too long

    def add(self, values: Iterable[Any]) -> None:
        """Look at the values of more documents; other kinds than strings and lists of them say nothing."""
        for value in values if self._distinct is not None else ():
            strings = [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str) and one.strip()]
            self._documents += bool(strings)
            if self._distinct is not None:
                self._distinct.update(strings)
                if len(self._distinct) > VALUES or any(len(one) > CHARACTERS for one in strings):
                    self._distinct = None

    @property
    def few(self) -> bool:
        """Whether they are those of a column."""
        return self._distinct is not None and len(self._distinct) >= 2 and self._documents >= DOCUMENTS


def spread(count: int) -> np.ndarray:
    """Which of ``count`` documents of a chunk are looked at, int64[n], from the first to the last."""
    return np.unique(np.linspace(0, count - 1, min(count, A_CHUNK)).astype(np.int64)) if count else np.zeros(0, np.int64)
