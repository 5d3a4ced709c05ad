"""All features of a query's candidates at once: ``text_features.py`` and ``context_features.py`` to the same bits, in a tenth of the time.

One kernel (``columns_kernel.py``) does what is a few additions a candidate; numpy is asked once for all logarithms and eight times for products of
matrices, whose bits are its own. The features one by one remain what is explained, what homes' own features build on, and what this is tested by.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

import ranker.features  # noqa: F401 - registers the features
from ranker.columns_kernel import (
    ALONE,
    FORMULAS,
    GROUPS,
    LOGGED,
    RETRIEVAL,
    Asked,
    Filled,
    Logarithms,
    fill_retrieval,
    fill_text,
    place,
)
from ranker.feature_formulas import DIRICHLET_MU, background, term_weights
from ranker.feature_registry import FEATURES
from ranker.field_groups import Groups
from ranker.matches import Matches
from ranker.query_columns import NAMES as QUERY
from ranker.query_columns import query_columns

_PREFIXES = ("title", "rest", "whole")
_PRODUCTS = ("title_bm25", "rest_bm25", "whole_bm25", "whole_words_bm25", "whole_han2_bm25", *(f"{group}_coverage" for group in _PREFIXES))
_OF_GROUPS = tuple(f"{group}_{formula}" for formula in FORMULAS for group in _PREFIXES)
_NAMES = (*_OF_GROUPS, *ALONE, *_PRODUCTS, *RETRIEVAL, *QUERY)
# A later name hides an earlier one: title_phrase is a feature of the title alone, not what is counted in every group.
_ROWS = {name: row for row, name in enumerate(_NAMES) if name in FEATURES}
_AS_REGISTERED = {name: FEATURES[name] for name in _ROWS}
_COUNTS = np.arange(4096, dtype=np.float32)
_LOGS = np.log1p(_COUNTS)


class Columns(NamedTuple):
    """Which columns of a table are filled at once, int64[n] each: row of the values, column of the table."""

    rows: np.ndarray
    columns: np.ndarray


def columns_of(names: Sequence[str]) -> Columns:
    """The columns among features of these names that are filled at once; not those that somebody has registered anew."""
    known = [(_ROWS[name], column) for column, name in enumerate(names) if name in _ROWS and FEATURES[name] is _AS_REGISTERED[name]]
    return Columns(*np.array(known, np.int64).reshape(-1, 2).T.copy())


def at_once(m: Matches) -> bool:
    """Whether these candidates can be filled at once: numpy adds the words of one candidate alone in another order."""
    return len(m) > 1 and m.folded[1] < len(_COUNTS)


def fill(m: Matches, columns: Columns, table: np.ndarray) -> None:
    """Fill the columns of ``table`` float32[k, F]."""
    values = np.empty((len(_NAMES), len(m)), np.float32)
    of_text = len(_OF_GROUPS) + len(ALONE) + len(_PRODUCTS)
    matrices = _fill_formulas(m, values)
    _fill_products(m, *matrices, values[of_text - len(_PRODUCTS) : of_text])
    _fill_retrieval(m, values[of_text : of_text + len(RETRIEVAL)])
    values[of_text + len(RETRIEVAL) :] = query_columns(m)[:, None]
    place(*columns, values, table)


def _fill_formulas(m: Matches, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rows of all formulas; returns the matrices of ``Filled`` for the others."""
    groups, greatest = m.folded
    query, of_groups = m.query, len(_OF_GROUPS)
    scored = GROUPS * len(query.retrieval) + len(query.words) + len(query.han2)
    filled = Filled(
        values[:of_groups].reshape(len(FORMULAS), GROUPS, len(m)), values[of_groups : of_groups + len(ALONE)],
        np.empty((scored, len(m)), np.float32), np.empty((GROUPS * len(query.words), len(m)), np.float64),
    )  # fmt: skip
    fill_text(groups, _asked(m), _logarithms(m, groups, greatest), filled)
    logged = filled.value[: len(LOGGED)]
    np.log1p(logged, out=logged)
    return filled.saturated, filled.present


def _asked(m: Matches) -> Asked:
    query = m.query
    size = len(query.units[query.phrase].atoms) if query.phrase >= 0 else 0
    return Asked(query.words, query.pairs, query.retrieval, query.han2, query.phrase, size, m.k1, m.word_idf)


def _logarithms(m: Matches, groups: Groups, greatest: int) -> Logarithms:
    seen = np.log1p(_COUNTS[: greatest + 1] / (DIRICHLET_MU * background(m))[:, None])
    return Logarithms(_LOGS, seen, np.log(DIRICHLET_MU / (groups.size + DIRICHLET_MU)))


def _fill_products(m: Matches, saturated: np.ndarray, present: np.ndarray, out: np.ndarray) -> None:
    """The rows of ``_PRODUCTS``."""
    query, weights = m.query, term_weights(m)
    scored, words = len(query.retrieval), len(query.words)
    of_words = GROUPS * scored
    out[:GROUPS] = _each_group(saturated[:of_words], scored) @ weights[query.retrieval]
    out[GROUPS] = saturated[of_words : of_words + words].T @ weights[query.words]
    out[GROUPS + 1] = saturated[of_words + words :].T @ weights[query.han2] if len(query.han2) else np.nan
    out[GROUPS + 2 :] = (_each_group(present, words) @ m.word_idf) / max(float(m.idf_sum), 1e-9)


def _each_group(rows: np.ndarray, width: int) -> np.ndarray:
    """``width`` rows of each group as a matrix of all candidates, [G, k, width], laid out as numpy lays out a choice of columns."""
    return rows.reshape(GROUPS, width, rows.shape[1]).transpose(0, 2, 1)


def _fill_retrieval(m: Matches, out: np.ndarray) -> None:
    """The rows of ``RETRIEVAL``; one by one where scores are not in falling order, as those of most candidates are."""
    if not fill_retrieval(m.scores, out):
        for row, name in enumerate(RETRIEVAL):
            out[row] = _AS_REGISTERED[name](m)
