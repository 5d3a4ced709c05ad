"""The texts of one field as spans of a buffer, and what an analyzer makes of them: numbers of terms instead of strings."""

from typing import NamedTuple

import numpy as np

GAP = -1  # between two texts of one field: no phrase crosses it


class Texts(NamedTuple):
    """Texts ``data[starts[i]:stops[i]]`` of a uint8 buffer (padded, see ``swar.py``), UTF-8; document d has texts ends[d] up to ends[d + 1]."""

    data: np.ndarray
    starts: np.ndarray
    stops: np.ndarray
    ends: np.ndarray

    def text(self, i: int) -> str:
        """Text number ``i``."""
        return self.data[self.starts[i] : self.stops[i]].tobytes().decode("utf-8", "surrogatepass")


class Numbered(NamedTuple):
    """The terms of N documents' texts of a field, by number.

    ``tokens`` int32: the sequences, a GAP between two texts that have terms, ending at ``ends`` int64[N + 1]; ``extra`` and ``extra_ends``: the
    same for terms beside the sequence; ``lengths`` uint32[N].
    """

    tokens: np.ndarray
    ends: np.ndarray
    extra: np.ndarray
    extra_ends: np.ndarray
    lengths: np.ndarray
