"""The one form in which data reaches a ranker: rows of features with grades, grouped by query."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from indexer.errors import SearchdError
from ranker.featureset import FeatureSet
from ranker.metrics import bounds_of
from ranker.rankers import More


class NothingToLearn(SearchdError):
    """The data holds nothing that a ranker could learn from."""

    code = "nothing_to_learn"


@dataclass(frozen=True)
class TrainingSet:
    """``n`` rows of ``Q`` queries, the rows of a query together. ``soft``: grades are relevances in 0..1 (clicks), else 0, 1, 2...."""

    x: np.ndarray  # float32[n, F]
    grades: np.ndarray  # float32[n]
    weights: np.ndarray  # float32[n]: how much a row is worth
    group: np.ndarray  # int64[Q]: rows of each query
    qids: list[str]  # Q
    keys: list[str]  # n, or empty
    features: FeatureSet
    soft: bool
    more: More = More()
    judged: np.ndarray | None = None  # bool[Q]: queries that people judged, among clicked ones

    def __len__(self) -> int:
        return len(self.x)

    @property
    def bounds(self) -> np.ndarray:
        """int64[Q + 1]: row bounds of the queries."""
        return bounds_of(self.group)

    def queries(self, chosen: np.ndarray) -> "TrainingSet":
        """The part that holds queries ``chosen`` (bool[Q])."""
        kept = np.flatnonzero(np.repeat(chosen, self.group))
        return replace(
            self,
            x=self.x[kept],
            grades=self.grades[kept],
            weights=self.weights[kept],
            group=self.group[chosen],
            qids=[q for q, c in zip(self.qids, chosen) if c],
            keys=[self.keys[i] for i in kept] if self.keys else [],
            more=More(*(None if part is None else part[kept] for part in self.more)),
            judged=None if self.judged is None else self.judged[chosen],
        )

    def with_columns(self, columns: np.ndarray, features: FeatureSet) -> "TrainingSet":
        """With float32[n, ...] behind the features, which are ``features`` then."""
        return replace(self, x=np.concatenate([self.x, columns.astype(np.float32)], axis=1), features=features)

    def followed_by(self, other: "TrainingSet") -> "TrainingSet":
        """Both, one after the other: queries of both are in it twice."""
        assert self.soft == other.soft and self.features.names == other.features.names
        more = More(*(None if mine is None or its is None else np.concatenate([mine, its]) for mine, its in zip(self.more, other.more)))
        return replace(
            self,
            x=np.concatenate([self.x, other.x]),
            grades=np.concatenate([self.grades, other.grades]),
            weights=np.concatenate([self.weights, other.weights]),
            group=np.concatenate([self.group, other.group]),
            qids=[*self.qids, *other.qids],
            keys=[*self.keys, *other.keys],
            more=more,
        )

    def with_judged(self, judged: "TrainingSet", weight: float) -> "TrainingSet":
        """This set of clicks and, as queries of their own, what people judged: a judged row counts ``weight`` times a clicked one.

        Grades become the shares of the greatest gain, (2^grade - 1) / (2^greatest - 1), and look like rows that were seen often.
        """
        assert self.soft and not judged.soft and self.features.names == judged.features.names
        gains = 2.0**judged.grades - 1
        soft = (gains / max(float(gains.max(initial=0.0)), 1.0)).astype(np.float32)
        looks = None if self.more.looks is None else _with_greatest(self.more.looks, len(judged))
        rates = None if self.more.rates is None else np.concatenate([self.more.rates, soft])
        return replace(
            self,
            x=np.concatenate([self.x, judged.x]),
            grades=np.concatenate([self.grades, soft]),
            weights=_with_greatest(self.weights, len(judged)),
            group=np.concatenate([self.group, judged.group]),
            qids=[*self.qids, *(f"judged {qid}" for qid in judged.qids)],
            keys=[*self.keys, *judged.keys],
            more=More(np.repeat([1.0, weight], [len(self), len(judged)]), rates, looks=looks),
            judged=np.repeat([False, True], [len(self.group), len(judged.group)]),
        )

    def require_signal(self) -> None:
        """Raise NothingToLearn unless some query has documents of different grades, and some have different features."""
        if not len(self):
            raise NothingToLearn("expected training rows, found none; judge results, or let people click first")
        if len(self.group) < 2:
            raise NothingToLearn(
                "expected at least 2 queries with results, found 1: a model of one query says nothing about others; add more"
            )
        starts = self.bounds[:-1][self.group > 0]
        low, high = np.minimum.reduceat(self.grades, starts), np.maximum.reduceat(self.grades, starts)
        if not (high > low).any():
            raise NothingToLearn(
                f"expected documents of different grades under one query, none in {len(self.group)} queries; add judgments"
            )
        if not _tells_apart(self.x, starts):
            raise NothingToLearn(
                f"expected features that differ between documents of one query, found the same for all {len(self)} rows; see `ranker drift`"
            )


def _tells_apart(x: np.ndarray, starts: np.ndarray) -> bool:
    """Whether some column has two values, or a value and none, among the rows of a query."""
    low, high = np.fmin.reduceat(x, starts), np.fmax.reduceat(x, starts)
    known = np.add.reduceat(~np.isnan(x), starts, dtype=np.int64)
    sizes = np.diff([*starts, len(x)])[:, None]
    return bool(((high > low) | ((known > 0) & (known < sizes))).any())


def fold_of(qids: Sequence[str], folds: int, seed: int = 0) -> np.ndarray:
    """int64[Q]: a fold for each query, balanced, the same for the same seed and number of queries; queries of one name share one."""
    named = numbered(qids)
    queries = len(set(qids))
    order = np.random.default_rng(seed).permutation(queries)
    fold = np.empty(queries, np.int64)
    fold[order] = np.arange(queries) % folds
    return fold[named]


def numbered(qids: Sequence[str]) -> np.ndarray:
    """int64[n]: the number of each qid, in the order in which they first stand."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(qid, len(numbers)) for qid in qids], np.int64)


def _with_greatest(values: np.ndarray, count: int) -> np.ndarray:
    """The values, and their greatest ``count`` times."""
    return np.concatenate([values, np.full(count, values.max(initial=1.0), np.float32)])
