"""The features of the query alone at once: those of ``context_features.py``, to the same bits."""

import math
from typing import Any

import numpy as np

import ranker.context_features as one_by_one
from ranker.feature_formulas import share
from ranker.matches import Matches

NAMES = (
    "query_words", "query_characters", "query_han_share", "query_digits", "query_quoted", "query_scripts",
    "query_idf_sum", "query_idf_min", "query_hits", "query_idf_max", "query_idf_mean", "query_unknown",
)  # fmt: skip


def query_columns(m: Matches) -> np.ndarray:
    """float32[features]: the numbers of ``NAMES``."""
    return np.array([*_of_text(m), *_of_words(m)], np.float32)


def _of_text(m: Matches) -> tuple[Any, ...]:
    text = m.query.text
    digits = any(map(str.isdigit, text))
    # Of ASCII, letters and digits are all that is of a script.
    scripts = digits + any(map(str.isalpha, text)) if text.isascii() else one_by_one.query_scripts(m)
    characters = len("".join(text.split()))
    return len(m.query.words), characters, one_by_one.query_han_share(m), digits, text.count('"') > 1, scripts


def _of_words(m: Matches) -> tuple[Any, ...]:
    idf, df = m.word_idf.tolist(), m.word_df.tolist()
    if not idf:
        return m.idf_sum, math.nan, math.nan, 0.0, math.nan, math.nan
    return m.idf_sum, min(idf), np.log1p(min(df)), max(idf), share(m.idf_sum, len(idf)), df.count(0) / len(df)
