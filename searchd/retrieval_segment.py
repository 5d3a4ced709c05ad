"""A segment made ready for the kernels: its descriptor, the norms of its documents, and how far its stored maxima can be trusted.

Norms depend on the average lengths of the whole index, so they are computed here and not stored: one for each distinct length of a field, of
which there are few. For codes that stand for one field a table of (code, length) -> saturation even replaces a division by a look-up. Opening a
segment does nothing for each of its documents.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

import indexer.bm25 as bm25
import searchd.kernels_layout as layout
from indexer.postings import EXCEPTION, SUPERBLOCK
from indexer.postings_view import PostingsView
from indexer.schema import Schema
from searchd.kernels_forward import describe_forward

MAX_TABLE_LENGTHS = 4096  # distinct lengths; beyond, the table would leave the cache
CODES = 16
_SECTIONS = {
    layout.NIBBLES: "nibbles",
    layout.PACKED: "packed",
    layout.RARE: "rare",
    layout.SUPERBLOCK_STARTS: "superblock_starts",
    layout.SUPERBLOCK_STARTS_HIGH: "superblock_starts_high",
    layout.BLOCK_STARTS: "block_starts",
    layout.THRESHOLDS: "thresholds",
    layout.EXCEPTIONS: "exceptions",
    layout.EXCEPTION_CODES: "exception_codes",
    layout.WIDE_EXCEPTIONS: "wide_exceptions",
    layout.WIDE_EXCEPTION_TFS: "wide_exception_tfs",
}


class SearchSegment:
    """What retrieval needs of one segment. ``words`` is its descriptor without terms; ``kept`` keeps alive what it points to."""

    def __init__(self, segment: Any, first_doc: int, schema: Schema, averages: np.ndarray) -> None:
        self.segment = segment
        self.view = view = PostingsView(segment.postings, segment.terms.df)
        self.first_doc, self.num_docs = first_doc, view.header.num_docs
        self.stride = view.unchecked("superblock_maxima").shape[1]
        self.live = None if segment.live is None else np.ascontiguousarray(segment.live).view(np.uint8)
        self._wanted: dict[int, np.ndarray] = {}
        k1, self.classes = k1_classes(schema)
        self._codes = segment.lengths.unchecked_codes
        values = [segment.lengths.values(field) for field in range(len(self._codes))]
        weights, b = bm25.field_parameters(schema)
        stretch, shrink = trust(view, values, bm25.k1_by_stream(schema), weights, b, averages)
        maxima = view.unchecked("superblock_maxima"), view.unchecked("block_maxima")
        if stretch > layout.MAX_STRETCH:
            maxima = _stretched(view["superblock_maxima"], stretch), _stretched(view["block_maxima"], stretch)
            stretch = 1.0
        norms = _norms_by_code(values, weights, b, averages)
        code_fields = _fields_of_codes(view["codebook"])
        shares = _share_table(view["codebook"], code_fields, norms, k1)
        numbers = {
            layout.NUM_DOCS: view.header.num_docs,
            layout.FIRST_DOC: first_doc,
            layout.NUM_SUPERBLOCKS: view.header.num_superblocks,
            layout.STRIDE: self.stride,
            layout.NUM_WIDE: view.header.num_wide,
            layout.NUM_DENSE: view.header.num_dense,
            layout.NUM_LONG: view.header.num_long,
            layout.NUM_LENGTHS: shares.shape[2] if len(norms) == 1 else 0,
            layout.TABLE_LENGTHS: shares.shape[2],
            layout.NUM_FIELDS: view.header.num_fields,
        }
        # Norms by document for wide rows: pages of zeros until ``prepare`` fills them.
        self._doc_norms = np.zeros(view.header.num_superblocks * SUPERBLOCK if view.header.num_wide else 0, np.float32)
        self._prepared = False
        arrays = {
            **{slot: view.unchecked(name) for slot, name in _SECTIONS.items()},
            layout.SUPERBLOCK_MAXIMA: maxima[0],
            layout.BLOCK_MAXIMA: maxima[1],
            layout.LONG_LENGTH_CODES if self._codes.dtype == np.uint32 else layout.LENGTH_CODES: self._codes,
            layout.NORM_STARTS: np.cumsum([0, *map(len, norms)]),
            layout.LENGTH_NORMS: np.concatenate([np.zeros(0, np.float32), *norms]),
            layout.DOC_NORMS: self._doc_norms,
            layout.SHARES: shares,
            layout.CODE_FIELDS: code_fields,
            layout.K1: k1,
            layout.FACTORS: np.array([stretch, shrink], np.float32),
            layout.FORWARD: describe_forward(segment.forward),
            **_book_arrays(view["codebook"]),
        }
        if self.live is not None:
            arrays[layout.LIVE] = self.live
        self.kept = {slot: np.ascontiguousarray(array) for slot, array in arrays.items()}
        self.words = layout.describe(layout.SEGMENT_WORDS, numbers, self.kept)

    def prepare(self, rows: np.ndarray) -> None:
        """Make what the first wide term of all needs; ``rows`` are those of terms that are about to be used."""
        codes = self.segment.lengths.codes  # the first time they are checked
        num_wide = self.view.header.num_wide
        if not self._prepared and np.any((rows >= 0) & (rows < num_wide)):
            self._doc_norms[: self.num_docs] = self.kept[layout.LENGTH_NORMS][codes[0]]
            self._prepared = True

    def wanted_codes(self, field: int | None) -> np.ndarray:
        """Which rows of the codebook have the term in a field, bool[C]; empty for any field."""
        if field is None:
            return np.zeros(0, bool)
        if field not in self._wanted:
            self._wanted[field] = np.ascontiguousarray(self.view["codebook"][:, field] > 0)
        return self._wanted[field]


def k1_classes(schema: Schema) -> tuple[np.ndarray, np.ndarray]:
    """The distinct values of k1, float32[C], and the class of each stream, int64[4]."""
    values, classes = np.unique(bm25.k1_by_stream(schema), return_inverse=True)
    return values, classes.astype(np.int64)


def trust(
    view: PostingsView, values: Sequence[np.ndarray], k1: np.ndarray, weights: np.ndarray, b: np.ndarray, averages: np.ndarray
) -> tuple[float, float]:
    """Factors that turn saturations stored at build time into an upper and a lower bound of those of now: (at least 1, at most 1).

    ``values``: the distinct lengths of each field.

    When x grows r-fold, x / (k1 + x) grows at most max(1, r)-fold and at least min(1, r)-fold; when k1 falls r-fold, the same.
    """
    old_k1, old_weights, old_b, old_averages = view.parameters
    k1_ratios = old_k1 / k1
    ratios = [np.ones(1)]
    for f, distinct in enumerate(v[None] for v in values):
        part = slice(f, f + 1)
        old = bm25.norms(distinct, old_weights[part], old_b[part], old_averages[part]).astype(np.float64)
        new = bm25.norms(distinct, weights[part], b[part], averages[part]).astype(np.float64)
        # A weight of 0 at build time leaves nothing to scale: then any maximum may be the full one, 255 times the least stored.
        ratios.append(np.where(old > 0, new / np.where(old > 0, old, 1.0), np.where(new > 0, 255.0, 1.0)).ravel())
    ratio = np.concatenate(ratios)
    return float(max(1.0, ratio.max()) * max(1.0, k1_ratios.max())), float(min(1.0, ratio.min()) * min(1.0, k1_ratios.min()))


def _stretched(maxima: np.ndarray, stretch: float) -> np.ndarray:
    return np.minimum(255, np.ceil(maxima * min(stretch, 255.0))).astype(np.uint8)


def _book_arrays(codebook: np.ndarray) -> dict[int, np.ndarray]:
    """The codebook by rows of (field, frequency) where the frequency is not 0, in the order of fields."""
    rows, fields = np.nonzero(codebook)
    starts = np.zeros(len(codebook) + 1, np.int32)
    np.cumsum(np.bincount(rows, minlength=len(codebook)), out=starts[1:])
    return {
        layout.BOOK_STARTS: starts,
        layout.BOOK_FIELDS: fields.astype(np.int32),
        layout.BOOK_TFS: codebook[rows, fields].astype(np.float32),
    }


def _norms_by_code(values: Sequence[np.ndarray], weights: np.ndarray, b: np.ndarray, averages: np.ndarray) -> list[np.ndarray]:
    """For each field the norms of its distinct lengths, float32."""
    return [bm25.norms(v[None], weights[f : f + 1], b[f : f + 1], averages[f : f + 1])[0] for f, v in enumerate(values)]


def _fields_of_codes(codebook: np.ndarray) -> np.ndarray:
    """The field of each code that stands for a frequency in one field only, -1 for the others: int64[16]."""
    tuples = codebook[:EXCEPTION] > 0
    fields = np.full(CODES, -1, np.int64)
    if tuples.shape[1] > 0:
        fields[: len(tuples)] = np.where(tuples.sum(axis=1) == 1, tuples.argmax(axis=1), -1)
    return fields


def _share_table(codebook: np.ndarray, code_fields: np.ndarray, norms: Sequence[np.ndarray], k1: np.ndarray) -> np.ndarray:
    """The saturation of each (class of k1, code of one field, length of that field), float32[C, 16, L]; L = 0 if there are too many lengths."""
    longest = max(map(len, norms), default=0)
    shares = np.zeros((len(k1), CODES, longest if longest <= MAX_TABLE_LENGTHS else 0), np.float32)
    if shares.size:
        for code in np.flatnonzero(code_fields >= 0):
            field = code_fields[code]
            x = np.float32(codebook[code, field]) * norms[field]
            for term_class, k in enumerate(k1):
                shares[term_class, code, : len(x)] = x / (k + x)
    return shares
