"""A segment made ready for the kernels: its descriptor, the norms of its documents, and how far its stored maxima can be trusted.

Norms depend on the average lengths of the whole index, so they are computed here and not stored. With one text field a table of
(code, length) -> saturation replaces a division by a look-up: documents have few distinct lengths.
"""

from typing import Any

import numpy as np

import indexer.bm25 as bm25
import searchd.kernels_layout as layout
from indexer.postings import EXCEPTION
from indexer.postings_view import PostingsView
from indexer.schema import Schema

MAX_TABLE_LENGTHS = 4096  # distinct lengths; beyond, the table would leave the cache
CODES = 16


class SearchSegment:
    """What retrieval needs of one segment. ``words`` is its descriptor without terms; ``kept`` keeps alive what it points to."""

    def __init__(self, segment: Any, first_doc: int, schema: Schema, averages: np.ndarray) -> None:
        self.segment = segment
        self.view = view = PostingsView(segment.postings)
        self.first_doc, self.num_docs = first_doc, view.num_docs
        self.live = None if segment.live is None else np.ascontiguousarray(segment.live).view(np.uint8)
        self._wanted: dict[int, np.ndarray] = {}
        k1, self.classes = k1_classes(schema)
        lengths = np.asarray(segment.lengths)
        weights, b = bm25.field_parameters(schema)
        stretch, shrink = trust(view, lengths, bm25.k1_by_stream(schema), weights, b, averages)
        maxima = view["superblock_maxima"], view["block_maxima"]
        if stretch > layout.MAX_STRETCH:
            maxima, stretch = (_stretched(maxima[0], stretch), _stretched(maxima[1], stretch)), 1.0
        numbers = {
            layout.NUM_DOCS: view.num_docs,
            layout.FIRST_DOC: first_doc,
            layout.NUM_SUPERBLOCKS: view.num_superblocks,
            layout.STRIDE: view["superblock_maxima"].shape[1],
            layout.NUM_LONG: len(view["superblock_starts_high"]),
            layout.NUM_DENSE: len(view["block_maxima"]),
            layout.NUM_PACKED: view.num_packed,
            layout.NUM_FIELDS: view.num_fields,
        }
        arrays = {
            layout.PACKED: view["packed"],
            layout.RARE: view["rare"],
            layout.SUPERBLOCK_MAXIMA: maxima[0],
            layout.SUPERBLOCK_STARTS: view["superblock_starts"],
            layout.SUPERBLOCK_STARTS_HIGH: view["superblock_starts_high"],
            layout.BLOCK_MAXIMA: maxima[1],
            layout.BLOCK_STARTS: view["block_starts"],
            layout.THRESHOLDS: view["thresholds"],
            layout.EXCEPTIONS: view["exceptions"],
            layout.EXCEPTION_CODES: view["exception_codes"],
            layout.K1: k1,
            layout.FACTORS: np.array([stretch, shrink], np.float32),
            layout.FORWARD_DATA: segment.forward.data,
            layout.FORWARD_STARTS: segment.forward.rows.starts,
            layout.FORWARD_BASES: segment.forward.rows.bases,
            layout.FORWARD_WIDE: segment.forward.rows.wide,
            **_book_arrays(view["codebook"]),
        }
        if self.live is not None:
            arrays[layout.LIVE] = self.live
        norm_arrays = _length_table(view["codebook"], lengths, weights, b, averages, k1) if len(lengths) == 1 else None
        if norm_arrays is None:
            arrays[layout.NORMS] = bm25.norms(lengths, weights, b, averages)
        else:
            arrays.update(norm_arrays)
            numbers[layout.NUM_LENGTHS] = len(norm_arrays[layout.LENGTH_NORMS])
        self.kept = {slot: np.ascontiguousarray(array) for slot, array in arrays.items()}
        self.words = layout.describe(layout.SEGMENT_WORDS, numbers, self.kept)

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
    view: PostingsView, lengths: np.ndarray, k1: np.ndarray, weights: np.ndarray, b: np.ndarray, averages: np.ndarray
) -> tuple[float, float]:
    """Factors that turn saturations stored at build time into an upper and a lower bound of those of now: (at least 1, at most 1).

    When x grows r-fold, x / (k1 + x) grows at most max(1, r)-fold and at least min(1, r)-fold; when k1 falls r-fold, the same.
    """
    old_k1, old_weights, old_b, old_averages = view.parameters
    k1_ratios = old_k1 / k1
    ratios = [np.ones(1)]
    for f in range(len(lengths)):
        distinct = distinct_lengths(lengths[f])[None]
        part = slice(f, f + 1)
        old = bm25.norms(distinct, old_weights[part], old_b[part], old_averages[part]).astype(np.float64)
        new = bm25.norms(distinct, weights[part], b[part], averages[part]).astype(np.float64)
        # A weight of 0 at build time leaves nothing to scale: then any maximum may be the full one, 255 times the least stored.
        ratios.append(np.where(old > 0, new / np.where(old > 0, old, 1.0), np.where(new > 0, 255.0, 1.0)).ravel())
    ratio = np.concatenate(ratios)
    return float(max(1.0, ratio.max()) * max(1.0, k1_ratios.max())), float(min(1.0, ratio.min()) * min(1.0, k1_ratios.min()))


def distinct_lengths(lengths: np.ndarray) -> np.ndarray:
    """The distinct values, rising; by counting where they are small."""
    if int(lengths.max(initial=0)) < 1 << 20:
        return np.flatnonzero(np.bincount(lengths))
    return np.unique(lengths)


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


def _length_table(
    codebook: np.ndarray, lengths: np.ndarray, weights: np.ndarray, b: np.ndarray, averages: np.ndarray, k1: np.ndarray
) -> dict[int, np.ndarray] | None:
    """A number for the length of each document, and the saturation of each (class of k1, code, length); None if lengths are too many."""
    distinct = distinct_lengths(lengths[0])
    if len(distinct) > MAX_TABLE_LENGTHS or len(distinct) == 0:
        return None
    length_norms = bm25.norms(distinct[None], weights, b, averages)[0]
    tfs = np.zeros(CODES, np.float32)
    tfs[: min(EXCEPTION, len(codebook))] = codebook[:EXCEPTION, 0]
    x = tfs[:, None] * length_norms
    shares = np.stack([x / (k + x) for k in k1])
    return {
        layout.LENGTH_CODES: np.searchsorted(distinct, lengths[0]).astype(np.uint16),
        layout.LENGTH_NORMS: length_norms,
        layout.SHARES: shares,
    }
