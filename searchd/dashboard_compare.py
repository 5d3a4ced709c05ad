"""Two rankers over a set of queries, side by side: what each gives, how far the lists agree, and, where queries are judged, who is better."""

from collections.abc import Callable, Mapping, Sequence

import msgspec
import numpy as np

from indexer.home import Home
from ranker.judged import grade_of, read_judgments, read_queries
from ranker.metrics import bootstrap_interval, ndcg

DEPTH = 10
MOST_QUERIES = 50
PERSISTENCE = 0.9
Judged = tuple[Mapping[str, str], Mapping[str, Mapping[str, float]]]
Rank = Callable[[str, str], Sequence[str]]


class Place(msgspec.Struct, frozen=True):
    """A document of one list. ``other``: its rank in the other list, None where that lacks it; ``grade``: its judgment, if there is one."""

    key: str
    rank: int
    other: int | None
    grade: float | None = None

    @property
    def moved(self) -> int | None:
        """By how many ranks it stands higher here than there."""
        return None if self.other is None else self.other - self.rank


class Compared(msgspec.Struct, frozen=True):
    """One query: both lists, their overlap as sets (Jaccard) and as rankings (RBO), and nDCG@10 of each where it is judged."""

    query: str
    first: list[Place]
    second: list[Place]
    jaccard: float
    rbo: float
    ndcg: tuple[float, float] | None


class Comparison(msgspec.Struct, frozen=True):
    """Means over the queries; ``gain``: nDCG@10 of the second less the first, over the ``judged`` queries, with its 95 % interval."""

    first: str
    second: str
    queries: list[Compared]
    jaccard: float
    rbo: float
    changed: int
    judged: int
    ndcg: tuple[float, float] | None
    gain: tuple[float, float, float] | None


def compare(rank: Rank, first: str, second: str, queries: Sequence[str], judged: Judged | None = None, depth: int = DEPTH) -> Comparison:
    """``rank(query, model)`` gives keys, best first."""
    grades = _grades_by_text(judged)
    rows = [_compared(query, rank(query, first)[:depth], rank(query, second)[:depth], grades.get(_plain(query))) for query in queries]
    pairs = np.array([row.ndcg for row in rows if row.ndcg is not None]).reshape(-1, 2)
    means, gain = None, None
    if len(pairs):
        difference = pairs[:, 1] - pairs[:, 0]
        means = float(pairs[:, 0].mean()), float(pairs[:, 1].mean())
        gain = (float(difference.mean()), *bootstrap_interval(difference))
    return Comparison(
        first,
        second,
        rows,
        float(np.mean([row.jaccard for row in rows])) if rows else 1.0,
        float(np.mean([row.rbo for row in rows])) if rows else 1.0,
        sum([one.key for one in row.first] != [one.key for one in row.second] for row in rows),
        len(pairs),
        means,
        gain,
    )


def home_judgments(home: Home) -> Judged | None:
    """Queries and judgments in the home's folder ``judgments``: ``queries.tsv`` and ``judgments.qrels`` (TREC) or ``judgments.csv`` (Quepid).

    None without them; raises BadJudgments.
    """
    folder = home.root / "judgments"
    path = next((found for name in ("judgments.qrels", "judgments.csv") if (found := folder / name).exists()), None)
    if path is None or not (folder / "queries.tsv").exists():
        return None
    queries = read_queries(folder / "queries.tsv")
    return queries, read_judgments(path, queries)


def judged_texts(judged: Judged, limit: int) -> list[str]:
    """Texts of the queries that have a relevant document, in the order of their file."""
    queries, judgments = judged
    found = [text for qid, text in queries.items() if any(grade > 0 for grade in judgments.get(qid, {}).values())]
    return list(dict.fromkeys(found))[:limit]


def overlap(first: Sequence[str], second: Sequence[str]) -> float:
    """Jaccard index of two lists as sets; 1 for two empty ones."""
    union = set(first) | set(second)
    return len(set(first) & set(second)) / len(union) if union else 1.0


def rank_biased_overlap(first: Sequence[str], second: Sequence[str], p: float = PERSISTENCE) -> float:
    """Rank-biased overlap of two lists, extrapolated beyond their ends (Webber, Moffat and Zobel, TOIS 2010, equation 32); 1 for two empty ones.

    ``p``: the chance that a reader goes on from one rank to the next; with 0.9 the first ten ranks have 86 % of the weight.
    """
    short, long = sorted((first, second), key=len)
    if not long:
        return 1.0
    s, l = len(short), len(long)  # noqa: E741
    common = [len(set(short[:d]) & set(long[:d])) for d in range(l + 1)]
    seen = sum(common[d] / d * p**d for d in range(1, l + 1))
    beyond = sum(common[s] * (d - s) / (s * d) * p**d for d in range(s + 1, l + 1)) if s else 0.0
    return (1 - p) / p * (seen + beyond) + ((common[l] - common[s]) / l + (common[s] / s if s else 0.0)) * p**l


def _compared(query: str, first: Sequence[str], second: Sequence[str], grades: Mapping[str, float] | None) -> Compared:
    measured = (_ndcg(first, grades), _ndcg(second, grades)) if grades else None
    places = _places(first, second, grades), _places(second, first, grades)
    return Compared(query, *places, overlap(first, second), rank_biased_overlap(first, second), measured)


def _places(keys: Sequence[str], others: Sequence[str], grades: Mapping[str, float] | None) -> list[Place]:
    rank_of = {key: rank for rank, key in enumerate(others, 1)}
    return [Place(key, rank, rank_of.get(key), grade_of(grades or {}, key)) for rank, key in enumerate(keys, 1)]


def _ndcg(keys: Sequence[str], grades: Mapping[str, float]) -> float:
    return ndcg(np.array([grade_of(grades, key) or 0.0 for key in keys]), DEPTH, np.array(list(grades.values())))


def _grades_by_text(judged: Judged | None) -> dict[str, Mapping[str, float]]:
    if judged is None:
        return {}
    queries, judgments = judged
    return {_plain(queries[qid]): grades for qid, grades in judgments.items() if any(grade > 0 for grade in grades.values())}


def _plain(text: str) -> str:
    return " ".join(text.split())
