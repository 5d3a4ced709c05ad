"""Click rates among the features of a training set, so that no row is told what its own label was made of.

The log is cut in two by the order of arrival. Rows that are labelled by the later half are given the rates of the earlier half. Beside them stand the
rows of the whole log, labelled by all of it and given none: from them a model learns about queries and documents that nobody has clicked on. Of
the later rows a quarter is not told either, and a fifth of the later queries has no rates of its own, as queries have that are new.
The model serves with the rates of the whole log.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ranker.behaviour import NAMES, Behaviour
from ranker.behaviour_rates import learn_behaviour
from ranker.sessions import ClickData, of_sessions
from ranker.training_set import TrainingSet

EARLIER = 0.5
MIN_SESSIONS = 2_000  # half of fewer says little of what is clicked, and less of how far to trust it
DROPPED_ROWS, DROPPED_QUERIES = 0.25, 0.2
PAIR_COLUMNS = sum(".pair_" in name for name in NAMES)  # the first ones


def with_click_rates(
    whole: TrainingSet, data: ClickData, labelled: Callable[[ClickData], TrainingSet], seed: int = 0
) -> tuple[TrainingSet, dict[str, Any]]:
    """``whole``, the training set of ``data``, with click rates; and what the model card says of them.

    ``labelled`` makes a training set of a part of the log.
    """
    if data.num_sessions < MIN_SESSIONS:
        return whole, {"used": False, "why": f"{data.num_sessions} sessions, of {MIN_SESSIONS}"}
    earlier, later = windows(data)
    table = learn_behaviour(data)
    features = whole.features.with_behaviour(table)
    rows = labelled(later)
    told = untold(whole, features).followed_by(rows.with_columns(dropped(rows, learn_behaviour(earlier), seed), features))
    pairs = sum(map(len, table.pairs.values()))
    return told, {"used": True, "sessions": data.num_sessions, "pairs": pairs, "documents": len(table.documents)}


def untold(rows: TrainingSet, features: Any) -> TrainingSet:
    """Rows without any rate, under ``features`` that have rates."""
    return rows.with_columns(np.full((len(rows), len(NAMES)), np.nan, np.float32), features)


def windows(data: ClickData) -> tuple[ClickData, ClickData]:
    """The earlier and the later sessions."""
    earlier = np.arange(data.num_sessions) < EARLIER * data.num_sessions
    return of_sessions(data, earlier), of_sessions(data, ~earlier)


def dropped(rows: TrainingSet, table: Behaviour, seed: int) -> NDArray[np.float32]:
    """float32[n, 5]: the rates of a table, without those that are dropped."""
    bounds = rows.bounds
    told = [table.columns(qid, rows.keys[start:end]) for qid, start, end in zip(rows.qids, bounds, bounds[1:])]
    columns, chance = np.concatenate(told), np.random.default_rng(seed)
    columns[chance.random(len(columns)) < DROPPED_ROWS] = np.nan
    strange = np.repeat(chance.random(len(rows.group)) < DROPPED_QUERIES, rows.group)
    columns[strange, :PAIR_COLUMNS] = np.nan
    return columns
