"""Queries, judgments and models -> a table of measures with confidence intervals, and paired tests between the models.

Means are over the queries that have a relevant document; one without results counts 0, as trec_eval -c does. Intervals are 95 %, by Student's t over
queries. The tests are paired t-tests over the same queries; with many models or measures some p < .05 come by chance, so the number of tests is told.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import ir_measures
import numpy as np
from scipy import stats

from indexer.errors import SearchdError
from searchd.runs import encode_id, run_of

MEASURES = "nDCG@10 AP R@100 RR@10"
CONFIDENCE = 0.95


class EvaluationError(SearchdError):
    """Measures, queries and judgments that cannot be brought together."""

    code = "evaluation"


class Cell(NamedTuple):
    """A mean over queries with its confidence interval."""

    mean: float
    low: float
    high: float


class Test(NamedTuple):
    """A paired t-test: ``difference`` is the second model's mean less the first's."""

    measure: str
    first: str
    second: str
    difference: float
    p: float


class Evaluation(NamedTuple):
    """``cells`` by model and measure; ``queries`` is the number of queries averaged over."""

    models: list[str]
    measures: list[str]
    queries: int
    cells: dict[str, dict[str, Cell]]
    tests: list[Test]


def parse_measures(text: str) -> list[Any]:
    """Measures by their ir_measures names, separated by white space or commas; raises EvaluationError."""
    try:
        found = [ir_measures.parse_measure(name) for name in text.replace(",", " ").split()]
    except (ValueError, NameError, TypeError, SyntaxError, AttributeError) as error:
        raise EvaluationError(f"measures: expected names such as {MEASURES}, found {text!r} ({error})") from error
    if not found:
        raise EvaluationError(f"measures: expected names such as {MEASURES}, found none")
    return found


def evaluate(
    engine: Any,
    queries: Mapping[str, str],
    judgments: Mapping[str, Mapping[str, float]],
    models: Sequence[str],
    measures: str,
    depth: int = 1000,
) -> Evaluation:
    """Measure every model over the judged queries; raises EvaluationError, or unknown_model before anything is run."""
    wanted = judged(queries, judgments)
    parsed = parse_measures(measures)
    names = list(dict.fromkeys(models))
    values = {name: per_query(parsed, wanted, _run(engine, queries, wanted, depth, name)) for name in names}
    columns = [str(measure) for measure in parsed]
    cells = {name: {column: interval(values[name][column]) for column in columns} for name in names}
    return Evaluation(names, columns, len(wanted), cells, _tests(names, columns, values))


def judged(queries: Mapping[str, str], judgments: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, int]]:
    """Grades by query and document of the queries that have a relevant document; raises EvaluationError if there is none."""
    wanted = {
        qid: {encode_id(key): int(round(grade)) for key, grade in grades.items()}
        for qid, grades in judgments.items()
        if qid in queries and any(grade > 0 for grade in grades.values())
    }
    if not wanted:
        raise EvaluationError(
            f"expected queries with relevant documents, found none in {len(judgments)} judged of {len(queries)}; check the ids"
        )
    return wanted


def _run(engine: Any, queries: Mapping[str, str], wanted: Mapping[str, Any], depth: int, model: str) -> dict[str, dict[str, float]]:
    """Scores by query and document that only say the order: no two are equal."""
    asked = {qid: text for qid, text in queries.items() if qid in wanted}
    return {qid: {encode_id(key): float(-rank) for rank, key in enumerate(keys)} for qid, keys, _ in run_of(engine, asked, depth, model)}


def per_query(
    measures: Sequence[Any], qrels: Mapping[str, Mapping[str, int]], run: Mapping[str, Mapping[str, float]]
) -> dict[str, np.ndarray]:
    """float64[queries] of every measure, in the order of ``qrels``; 0 where nothing was found."""
    row = {qid: i for i, qid in enumerate(qrels)}
    table = {str(measure): np.zeros(len(row)) for measure in measures}
    if run:
        try:
            for value in ir_measures.iter_calc(list(measures), dict(qrels), dict(run)):
                table[str(value.measure)][row[value.query_id]] = value.value
        except (
            ValueError,
            NotImplementedError,
            RuntimeError,
        ) as error:  # what ir-measures raises for a measure that none of its providers has
            raise EvaluationError(f"measures: these cannot be computed here ({error}); expected names such as {MEASURES}") from error
    return table


def interval(values: np.ndarray) -> Cell:
    """Mean and confidence interval of per-query values; the interval of a single query is the mean alone."""
    mean = float(values.mean())
    if len(values) < 2:
        return Cell(mean, mean, mean)
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1) * values.std(ddof=1) / math.sqrt(len(values)))
    return Cell(mean, mean - half, mean + half)


def paired_p(first: np.ndarray, second: np.ndarray) -> float:
    """Two-sided p of the paired t-test; 1 when the values are the same for every query."""
    differences = second - first
    if len(differences) < 2 or not differences.any():
        return 1.0
    spread = differences.std(ddof=1)
    if spread == 0:
        return 0.0
    return float(2 * stats.t.sf(abs(differences.mean()) / (spread / math.sqrt(len(differences))), len(differences) - 1))


def _tests(names: Sequence[str], columns: Sequence[str], values: Mapping[str, Mapping[str, np.ndarray]]) -> list[Test]:
    """Every measure, every pair of models."""
    return [_test(column, a, b, values[a][column], values[b][column]) for column in columns for a, b in combinations(names, 2)]


def _test(measure: str, first: str, second: str, before: np.ndarray, after: np.ndarray) -> Test:
    return Test(measure, first, second, float((after - before).mean()), paired_p(before, after))


def as_dict(found: Evaluation) -> dict[str, Any]:
    """The evaluation as plain values."""
    cells = {model: {measure: cell._asdict() for measure, cell in row.items()} for model, row in found.cells.items()}
    return {"queries": found.queries, "confidence": CONFIDENCE, "models": cells, "tests": [test._asdict() for test in found.tests]}


def table_of(found: Evaluation) -> str:
    """The evaluation as text for a terminal: a row a model, then a row a test."""
    width = max(len(name) for name in [*found.models, "model"])
    lines = [
        f"{found.queries} queries, mean [95 % interval]",
        "  ".join([f"{'model':{width}}", *(f"{name:>24}" for name in found.measures)]),
    ]
    for model in found.models:
        cells = [f"{cell.mean:.4f} [{cell.low:.4f}, {cell.high:.4f}]" for cell in found.cells[model].values()]
        lines.append("  ".join([f"{model:{width}}", *(f"{cell:>24}" for cell in cells)]))
    if found.tests:
        lines += ["", f"paired t-tests ({len(found.tests)})"]
        pairs = [f"{test.first} -> {test.second}" for test in found.tests]
        wide, high = max(map(len, pairs)), max(map(len, found.measures))
        lines += [
            f"{test.measure:{high}}  {pair:{wide}}  {test.difference:+.4f}  {_shown_p(test.p)}" for test, pair in zip(found.tests, pairs)
        ]
    return "\n".join(lines)


def _shown_p(p: float) -> str:
    return f"p = {p:.4f}" if p >= 0.0001 else "p < 0.0001"
