"""Queries, judgments and models -> a table of measures with confidence intervals, and paired tests between the models.

Means are over the queries that have a relevant document; one without results counts 0, as trec_eval -c does. Intervals are 95 %, by resampling
queries, so they stay where the measure can be. The tests are over the same queries, see ``significance``; Holm's correction is over all tests of
the table. Slices are by script, length, and how often a query stands in the click log.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import ir_measures
import numpy as np

from indexer.errors import SearchdError
from ranker.evaluate import slices
from ranker.metrics import bootstrap_interval
from ranker.sessions import normalised
from searchd.runs import encode_id, run_of
from searchd.significance import holm, paired_p, randomisation_p, wilcoxon_p

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
    """Paired tests: ``difference`` is the second model's mean less the first's, with its interval; ``p`` of Student's t, ``p_holm`` corrected."""

    measure: str
    first: str
    second: str
    difference: float
    p: float
    low: float = 0.0
    high: float = 0.0
    p_randomisation: float = 1.0
    p_wilcoxon: float = 1.0
    p_holm: float = 1.0


class Slice(NamedTuple):
    """Some of the queries: how many, and their ``cells``."""

    queries: int
    cells: dict[str, dict[str, Cell]]


class Evaluation(NamedTuple):
    """``cells`` by model and measure; ``queries`` is the number of queries averaged over."""

    models: list[str]
    measures: list[str]
    queries: int
    cells: dict[str, dict[str, Cell]]
    tests: list[Test]
    slices: dict[str, Slice] = {}


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
    asked: Mapping[str, int] | None = None,
) -> Evaluation:
    """Measure every model over the judged queries; raises EvaluationError, or unknown_model before anything is run.

    ``asked``: how often people asked each query, by its normalised text, for the slices by frequency.
    """
    wanted = judged(queries, judgments)
    parsed = parse_measures(measures)
    names = list(dict.fromkeys(models))
    values = {name: per_query(parsed, wanted, _run(engine, queries, wanted, depth, name)) for name in names}
    columns = [str(measure) for measure in parsed]
    cells = _cells(values, np.ones(len(wanted), bool))
    return Evaluation(
        names, columns, len(wanted), cells, _tests(names, columns, values), _slices([queries[qid] for qid in wanted], values, asked)
    )


def _cells(values: Mapping[str, Mapping[str, np.ndarray]], members: np.ndarray) -> dict[str, dict[str, Cell]]:
    return {name: {column: interval(found[members]) for column, found in row.items()} for name, row in values.items()}


def _slices(texts: Sequence[str], values: Mapping[str, Mapping[str, np.ndarray]], asked: Mapping[str, int] | None) -> dict[str, Slice]:
    """Every slice of ``ranker.evaluate.slices`` but the whole; those by frequency only where queries have been asked."""
    counts = np.array([(asked or {}).get(normalised(text), 0) for text in texts], np.float64)
    found = slices(texts, counts)
    by_frequency = {"head", "torso", "tail"} if not counts.any() else set()
    return {
        label: Slice(int(members.sum()), _cells(values, members))
        for label, members in found.items()
        if label not in by_frequency and not members.all()
    }


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
        except (ValueError, RuntimeError) as error:  # what ir-measures raises for a measure that none of its providers has
            raise EvaluationError(f"measures: these cannot be computed here ({error}); expected names such as {MEASURES}") from error
    return table


def interval(values: np.ndarray) -> Cell:
    """Mean and confidence interval of per-query values, by resampling queries; the interval of a single query is the mean alone."""
    mean = float(values.mean())
    low, high = bootstrap_interval(values) if len(values) > 1 else (mean, mean)
    return Cell(mean, min(low, mean), max(high, mean))


def _tests(names: Sequence[str], columns: Sequence[str], values: Mapping[str, Mapping[str, np.ndarray]]) -> list[Test]:
    """Every measure, every pair of models."""
    tests = [_test(column, a, b, values[a][column], values[b][column]) for column in columns for a, b in combinations(names, 2)]
    return [test._replace(p_holm=p) for test, p in zip(tests, holm([test.p for test in tests]))]


def _test(measure: str, first: str, second: str, before: np.ndarray, after: np.ndarray) -> Test:
    sure = interval(after - before)
    others = randomisation_p(before, after), wilcoxon_p(before, after)
    return Test(measure, first, second, float((after - before).mean()), paired_p(before, after), sure.low, sure.high, *others)


def as_dict(found: Evaluation) -> dict[str, Any]:
    """The evaluation as plain values."""
    cells = {model: {measure: cell._asdict() for measure, cell in row.items()} for model, row in found.cells.items()}
    sliced = {
        label: {
            "queries": one.queries,
            "models": {model: {m: cell._asdict() for m, cell in row.items()} for model, row in one.cells.items()},
        }
        for label, one in found.slices.items()
    }
    tests = [test._asdict() for test in found.tests]
    return {"queries": found.queries, "confidence": CONFIDENCE, "models": cells, "tests": tests, "slices": sliced}


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
        lines += [
            "",
            f"paired tests ({len(found.tests)}): difference [95 % interval]; p of Student's t, by Holm for all of them; randomisation; Wilcoxon",
        ]
        pairs = [f"{test.first} -> {test.second}" for test in found.tests]
        wide, high = max(map(len, pairs)), max(map(len, found.measures))
        lines += [f"{test.measure:{high}}  {pair:{wide}}  {_shown_test(test)}" for test, pair in zip(found.tests, pairs)]
    return "\n".join([*lines, *_slice_lines(found, width)])


def _shown_test(test: Test) -> str:
    others = "  ".join(_shown_p(p).removeprefix("p = ").removeprefix("p ") for p in (test.p_holm, test.p_randomisation, test.p_wilcoxon))
    return f"{test.difference:+.4f} [{test.low:+.4f}, {test.high:+.4f}]  {_shown_p(test.p)}  {others}"


def _slice_lines(found: Evaluation, width: int) -> list[str]:
    """The first measure in each slice."""
    if not found.slices:
        return []
    measure = found.measures[0]
    lines = ["", f"{measure} by slice"]
    for label, one in found.slices.items():
        cells = (f"{model:{width}} {row[measure].mean:.4f}" for model, row in one.cells.items())
        lines.append(f"{label:12}{one.queries:6} queries  " + "  ".join(cells))
    return lines


def _shown_p(p: float) -> str:
    return f"p = {p:.4f}" if p >= 0.0001 else "p < 0.0001"
