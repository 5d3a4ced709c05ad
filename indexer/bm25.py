"""BM25F: term frequencies and field lengths to scores. This is the one copy of the formula; kernels inline ``saturation``.

    score(doc) = sum over query terms of  weight * idf * (k1 + 1) * saturation(x, k1)
    saturation(x, k1) = x / (k1 + x)
    x = sum over fields of  tf_f * norm_f,  norm_f = w_f / (1 - b_f + b_f * length_f / average_length_f)

The form follows Robertson, Zaragoza and Taylor, "Simple BM25 extension to multiple weighted fields" (CIKM 2004), with Lucene's idf.
The norms depend only on document and field, so they are computed once when an index is opened, and a posting costs one product a
field and one division.
"""

import numpy as np

from indexer.jit import inlined
from indexer.schema import STREAMS, Schema

# Below this, k1 and a field's denominator count as this: k1 = 0 (presence only) and b = 1 with an empty field then need no special case.
SMALLEST = 1e-6


def stream_of(term: str) -> int:
    """The number of a term's stream: 0 word, 1 one Han character, 2 two of them, 3 a jieba word; its first character tells."""
    first = ord(term[0]) if term else 0
    return first if first <= 3 else 0


def k1_by_stream(schema: Schema) -> np.ndarray:
    """k1 of each stream as float32[4], floored at SMALLEST; jieba words (3) have no postings and take the words' value."""
    values = [schema.k1[name] for name in STREAMS]
    return np.maximum(np.array([*values, values[0]]), SMALLEST).astype(np.float32)


def idf(num_docs: int | np.ndarray, df: int | np.ndarray) -> np.ndarray:
    """Inverse document frequency, float64: ln(1 + (N - df + 0.5) / (df + 0.5)), always positive.

    df may count deleted documents and so exceed N; N - df then counts as 0.
    """
    return np.log1p((np.maximum(np.subtract(num_docs, df), 0) + 0.5) / (np.add(df, 0.5)))


def average_lengths(lengths: np.ndarray) -> np.ndarray:
    """Mean length of each field over the documents that have it: ``lengths`` uint32[F, N] -> float64[F]; 0 where none has it."""
    totals = lengths.sum(axis=1, dtype=np.int64)
    having = np.count_nonzero(lengths, axis=1)
    return totals / np.maximum(having, 1)


def norms(lengths: np.ndarray, weights: np.ndarray, b: np.ndarray, averages: np.ndarray) -> np.ndarray:
    """What one occurrence in a field counts, after the field's weight and the document's length.

    ``lengths`` uint32[F, N]; ``weights``, ``b`` and ``averages`` float64[F] -> float32[F, N].
    """
    safe_averages = np.where(averages > 0, averages, 1.0)
    out = np.empty(lengths.shape, np.float32)
    for f in range(len(lengths)):
        relative = (1.0 - b[f]) + (b[f] / safe_averages[f]) * lengths[f]
        out[f] = weights[f] / np.maximum(relative, SMALLEST)
    return out


def field_parameters(schema: Schema) -> tuple[np.ndarray, np.ndarray]:
    """Weights and b of the text fields in schema order, float64[F] each."""
    fields = schema.text_fields
    return np.array([f.weight for f in fields], np.float64), np.array([f.b for f in fields], np.float64)


@inlined
def saturation(x, k1):
    """The share of a term's full weight that a weighted frequency ``x`` earns: x / (k1 + x), from 0 to 1."""
    return x / (k1 + x)


def score(tfs: np.ndarray, doc_norms: np.ndarray, k1: float, term_idf: float, weight: float = 1.0) -> np.ndarray:
    """The score that one term gives, for features and explanations: ``tfs`` and ``doc_norms`` (from ``norms``) [..., F] -> [...]."""
    x = (np.asarray(tfs, np.float64) * doc_norms).sum(axis=-1)
    k1 = max(k1, SMALLEST)
    return weight * term_idf * (k1 + 1.0) * (x / (k1 + x))
