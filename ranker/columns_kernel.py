"""The formulas of ``text_features.py`` for every candidate and group of fields in one pass, to the same bits.

What numpy takes a call a formula for are a few additions here. Bits are those of numpy: sums run over the words in order, in the precision that numpy
keeps; products of matrices stay with numpy, which is given the matrices, and logarithms come from its tables or are left to it.
"""

from typing import NamedTuple

import numpy as np

from indexer.jit import inlined, kernel
from ranker.field_groups import TITLE, WHOLE

# Formulas of every group; of the first four numpy takes log(1 + x) afterwards.
LOGGED = ("near", "length", "first", "phrase")
FORMULAS = (*LOGGED, "matched", "tf_idf", "lm", "bigrams", "density")
NEAR, LENGTH, FIRST, PHRASE, MATCHED, TF_IDF, LM, BIGRAMS, DENSITY = range(len(FORMULAS))
# Features of one group alone.
ALONE = (
    "title_phrase", "title_equals", "title_starts", "title_share",
    "whole_matched", "whole_missing_idf", "whole_best_word", "whole_mean_word", "whole_worst_word",
)  # fmt: skip
TITLE_PHRASE, TITLE_EQUALS, TITLE_STARTS, TITLE_SHARE, SHARE, MISSING_IDF, BEST_WORD, MEAN_WORD, WORST_WORD = range(len(ALONE))
RETRIEVAL = tuple(f"retrieval_{name}" for name in ("score", "reciprocal_rank", "share", "margin", "below_top", "z"))
GROUPS = 3
BEST = 10  # scores that the others are compared with, see ``matches.Best``


class Asked(NamedTuple):
    """What the formulas ask of a query, by numbers of units."""

    words: np.ndarray  # int64[W]: content words
    pairs: np.ndarray  # int64[P]
    retrieval: np.ndarray  # int64[R]: what retrieval scores
    han2: np.ndarray  # int64[H]
    phrase: int  # -1: none
    phrase_size: int  # atoms of the phrase
    k1: np.ndarray  # float32[U]
    idf: np.ndarray  # float32[W]: of the words


class Logarithms(NamedTuple):
    """What numpy says of counts from 0 on, and of sizes."""

    counts: np.ndarray  # float32[T]: log(1 + count)
    seen: np.ndarray  # float64[W, T]: log(1 + count over what chance gives the word)
    priors: np.ndarray  # float32[G, k]: log of the share that chance has in a group of its size


class Filled(NamedTuple):
    """What is filled: columns, and matrices for numpy's products."""

    value: np.ndarray  # float32[formulas, G, k]
    alone: np.ndarray  # float32[features of one group, k]
    saturated: np.ndarray  # float32[G R + W + H, k]: tf / (tf + k1) of what is scored, see `fill_text`
    present: np.ndarray  # float64[G W, k]: whether a word is in a group; NaN in one without fields


@inlined
def _logged(value, groups, asked, g, i):
    """The values whose logarithm numpy takes."""
    value[NEAR, g, i] = groups.near[g, i]
    value[LENGTH, g, i] = groups.size[g, i]
    value[PHRASE, g, i] = groups.tf[g, i, asked.phrase] if asked.phrase >= 0 else np.nan
    first = np.float32(np.inf)
    for w in range(len(asked.words)):
        position = groups.first[g, i, asked.words[w]]
        first = position if position < first else first
    value[FIRST, g, i] = first if first < np.inf else np.nan


@inlined
def _words(value, groups, asked, logarithms, present, g, i):
    """What is summed over the content words: how many there are, tf x idf, and Dirichlet's likelihood."""
    matched, tf_idf, seen = 0, np.float32(0), 0.0
    missing = np.isnan(groups.size[g, i])
    num_words = len(asked.words)
    for w in range(num_words):
        tf = groups.tf[g, i, asked.words[w]]
        matched += tf > 0
        count = 0 if missing else np.int64(tf)
        tf_idf += logarithms.counts[count] * asked.idf[w]
        seen += logarithms.seen[w, count]
        present[g * num_words + w, i] = np.nan if missing else np.float64(tf > 0)
    value[MATCHED, g, i] = np.nan if missing else matched
    value[TF_IDF, g, i] = np.nan if missing and num_words > 0 else tf_idf
    value[LM, g, i] = seen / num_words + np.float64(logarithms.priors[g, i]) if num_words > 0 else np.nan


@inlined
def _pairs(value, groups, asked, g, i):
    """Share of the neighbouring pairs, and how dense the matched words stand."""
    beside = np.float32(0)
    for p in range(len(asked.pairs)):
        tf = groups.tf[g, i, asked.pairs[p]]
        beside += np.float32(1) if tf > 1 else tf
    value[BIGRAMS, g, i] = np.float64(beside) / len(asked.pairs) if len(asked.pairs) > 0 else np.nan
    value[DENSITY, g, i] = groups.spanned[g, i] / groups.span[g, i]


@inlined
def _title(alone, groups, asked, i):
    """The features of the title alone."""
    inside = np.float32(0)
    for w in range(len(asked.words)):
        inside += groups.tf[TITLE, i, asked.words[w]]
    size, known = groups.size[TITLE, i], asked.phrase >= 0
    tf = groups.tf[TITLE, i, asked.phrase] if known else np.float32(np.nan)
    phrase = np.float32(1) if tf > 1 else tf
    alone[TITLE_SHARE, i] = inside / max(size, np.float32(1))
    alone[TITLE_PHRASE, i] = phrase
    alone[TITLE_EQUALS, i] = phrase if not known or size == asked.phrase_size else np.float32(0)
    alone[TITLE_STARTS, i] = np.float32(groups.first[TITLE, i, asked.phrase] == 0) if known else np.float32(np.nan)


@inlined
def _whole(alone, value, groups, asked, logarithms, i):
    """The features of the document alone."""
    best, missing_idf, least = np.float32(0), np.float32(0), np.inf
    for w in range(len(asked.words)):
        tf = groups.tf[WHOLE, i, asked.words[w]]
        best = max(best, logarithms.counts[np.int64(tf)] * asked.idf[w])
        least = min(least, np.float64(tf))
        if not tf > 0:
            missing_idf = max(missing_idf, asked.idf[w])
    num_words = len(asked.words)
    alone[SHARE, i] = np.float64(value[MATCHED, WHOLE, i]) / num_words if num_words > 0 else np.nan
    alone[MISSING_IDF, i], alone[BEST_WORD, i] = missing_idf, best
    alone[MEAN_WORD, i] = value[TF_IDF, WHOLE, i] / np.float32(num_words) if num_words > 0 else np.float32(np.nan)
    alone[WORST_WORD, i] = logarithms.counts[np.int64(least)] if num_words > 0 else np.float32(0)


@inlined
def _saturated(tf, g, k1, units, out, begin):
    """tf / (tf + k1) of some units of a group, from row ``begin`` on; returns the row behind them."""
    for n in range(len(units)):
        for i in range(tf.shape[1]):
            out[begin + n, i] = tf[g, i, units[n]] / (tf[g, i, units[n]] + k1[units[n]])
    return begin + len(units)


@kernel
def fill_text(groups, asked, logarithms, filled):
    """Fill ``Filled`` from ``Groups``: what retrieval scores in each of them, then words and Han bigrams in the whole document."""
    row = 0
    for g in range(GROUPS):
        for i in range(groups.tf.shape[1]):
            _logged(filled.value, groups, asked, g, i)
            _words(filled.value, groups, asked, logarithms, filled.present, g, i)
            _pairs(filled.value, groups, asked, g, i)
        row = _saturated(groups.pseudo_tf, g, asked.k1, asked.retrieval, filled.saturated, row)
    for i in range(groups.tf.shape[1]):
        _title(filled.alone, groups, asked, i)
        _whole(filled.alone, filled.value, groups, asked, logarithms, i)
    row = _saturated(groups.pseudo_tf, WHOLE, asked.k1, asked.words, filled.saturated, row)
    _saturated(groups.pseudo_tf, WHOLE, asked.k1, asked.han2, filled.saturated, row)


@inlined
def _sum(values):
    """The sum of up to fifteen numbers in the order in which numpy adds them: the first eight by pairs."""
    if len(values) < 8:
        total, first = 0.0, 0
    else:
        total = ((values[0] + values[1]) + (values[2] + values[3])) + ((values[4] + values[5]) + (values[6] + values[7]))
        first = 8
    for n in range(first, len(values)):
        total += values[n]
    return total


@kernel
def fill_retrieval(scores, out):
    """Fill the columns of ``RETRIEVAL``, float32[features, k], from retrieval's scores float32[k], at least one; False if they ever rise."""
    for i in range(1, len(scores)):
        if not scores[i] <= scores[i - 1]:
            return False
    best = scores[:BEST].astype(np.float64)
    mean = _sum(best) / len(best)
    deviation = max(np.sqrt(_sum((best - mean) ** 2) / len(best)), 1e-6)
    top = max(scores[0], np.float32(0))
    share_of, margin_of = np.float32(max(np.float64(top), 1e-9)), np.float32(max(mean, 1e-9))
    for i in range(len(scores)):
        score = scores[i]
        out[0, i], out[1, i] = score, np.float32(1) / np.float32(i + 1)
        out[2, i], out[3, i] = score / share_of, score / margin_of
        out[4, i], out[5, i] = score - top, (np.float64(score) - mean) / deviation
    return True


@kernel
def place(rows, columns, values, table):
    """``table[:, columns[n]] = values[rows[n]]``."""
    for i in range(len(table)):
        for n in range(len(rows)):
            table[i, columns[n]] = values[rows[n], i]
