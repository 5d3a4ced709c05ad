"""The lengths of documents: how many of a field's terms count for BM25.

Documents have few distinct lengths, so a field's lengths are codes into the sorted list of those. Retrieval computes with codes: what
depends on a length is a table with an entry for each code.
"""

from typing import Any

import numpy as np

from indexer.container import ContainerWriter
from indexer.format import Corrupt
from indexer.pages import Family

MAX_COUNTED = 1 << 20  # lengths below it are counted, others are sorted


class Lengths:
    """Lengths by field and document, decoded where they are indexed: ``lengths[:, docs]`` is uint32[F, n].

    ``totals`` uint64[F]: the sum of each field; ``having`` uint64[F]: documents whose length is not 0. Raises Corrupt.
    """

    SECTIONS = ("codes", "values", "starts", "totals", "having")

    def __init__(self, sections: Family, num_fields: int, num_docs: int) -> None:
        self._codes = sections.pages("codes")
        self._values, self._starts = sections["values"], sections["starts"]
        self.totals, self.having = sections["totals"], sections["having"]
        self.shape = num_fields, num_docs
        for pages, expected in (self._codes, self.shape), (sections.pages("starts"), (num_fields + 1,)):
            if pages.view.shape != expected:
                raise Corrupt(pages.path, f"expected shape {expected}, found {pages.view.shape}", pages.name)

    @property
    def codes(self) -> np.ndarray:
        """uint16 or uint32[F, N]: the number of each length among its field's ``values``. Read and checked at the first use."""
        return self._codes.all()

    @property
    def unchecked_codes(self) -> np.ndarray:
        """The same before its first use, for those who keep the address and ask for ``codes`` later."""
        return self._codes.view

    def values(self, field: int) -> np.ndarray:
        """The distinct lengths of a field, rising: uint32, by code."""
        return self._values[int(self._starts[field]) : int(self._starts[field + 1])]

    def __getitem__(self, at: Any) -> Any:
        fields = at[0] if isinstance(at, tuple) else at
        codes, bases = self.codes[at].astype(np.int64), self._starts[:-1][fields]
        return self._values[codes + np.reshape(bases, np.shape(bases) + (1,) * (np.ndim(codes) - np.ndim(bases)))]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self[:, :] if dtype is None else self[:, :].astype(dtype)


def write_lengths(writer: ContainerWriter, lengths: np.ndarray) -> None:
    """The sections ``lengths.*`` of ``lengths`` uint32[F, N]."""
    writer.add_all("lengths.", encode_lengths(lengths))


def encode_lengths(lengths: np.ndarray) -> dict[str, np.ndarray]:
    """The sections of ``lengths`` uint32[F, N] by their names after "lengths."."""
    fields = [_encode(row) for row in lengths]
    values = [distinct for distinct, _ in fields]
    width = np.uint16 if max(map(len, values), default=0) <= 1 << 16 else np.uint32
    codes = np.empty(lengths.shape, width)
    for field, (_, found) in enumerate(fields):
        codes[field] = found
    return {
        "codes": codes,
        "values": np.concatenate([np.zeros(0, np.uint32), *values]),
        "starts": np.cumsum([0, *map(len, values)], dtype=np.int64),
        "totals": lengths.sum(axis=1, dtype=np.uint64),
        "having": np.count_nonzero(lengths, axis=1).astype(np.uint64),
    }


def _encode(lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One field's distinct lengths, uint32, rising, and the number of each document's among them."""
    if int(lengths.max(initial=0)) >= MAX_COUNTED:
        values, codes = np.unique(lengths, return_inverse=True)
        return values, codes
    present = np.bincount(lengths) > 0
    return np.flatnonzero(present).astype(np.uint32), (np.cumsum(present, dtype=np.uint32) - np.uint32(1))[lengths]
