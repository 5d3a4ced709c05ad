"""Judged queries -> better weights of fields, k1, b and weights of streams, and whether they are better or only fit these queries.

Many settings are tried, all drawn around the present one from a seed, each over all queries. Then the queries are cut into folds: every fold is
measured with the setting that was best on the others, so no query had a say in the setting it is measured with. The difference of these values to
the present setting's is what tuning is worth on queries yet to come; where a paired t-test cannot tell it from chance, it is noise, and the
setting that looks best on all queries is not to be used.

All that is tuned is applied when an index is opened, so nothing has to be built again.
"""

import copy
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from indexer.durable import write_file
from indexer.errors import reason
from indexer.infer import to_toml
from indexer.schema import Schema
from searchd.evaluate import Cell, EvaluationError, interval, judged, parse_measures, per_query
from searchd.query_terms import HAN1, HAN2, WORD, QueryTerms, Weighted
from searchd.retrieval import Retriever
from searchd.runs import OutputError, encode_id
from searchd.significance import paired_p

SIGNIFICANT = 0.05
# How far one draw goes: standard deviation of the logarithm of weights and k1, and the range of b.
SPREAD = 0.7
LEAST_B = 0.2
# Of all parameters a draw changes about a third, so that both single changes and combinations are tried.
CHANGED = 0.35
_STREAM_NAMES = {WORD: "word", HAN1: "han1", HAN2: "han2"}
UNLIMITED_DEPTH = 1000
_TABLES = {"id_field", "fields", "retrieval"}


class Parameter(NamedTuple):
    """One number of a schema. ``kind`` is weight or b (``name`` is a field's), k1 or streams (a stream's)."""

    kind: str
    name: str

    def of(self, schema: Schema) -> float:
        if self.kind in ("weight", "b"):
            field = schema.field(self.name)
            return float(getattr(field, self.kind))
        return (schema.k1 if self.kind == "k1" else schema.stream_weights)[self.name]

    def put(self, schema: Schema, value: float) -> Schema:
        """The schema with another value."""
        if self.kind in ("weight", "b"):
            fields = [
                f if f.name != self.name else replace(f, weight=value) if self.kind == "weight" else replace(f, b=value)
                for f in schema.fields
            ]
            return replace(schema, fields=tuple(fields))
        if self.kind == "k1":
            return replace(schema, k1={**schema.k1, self.name: value})
        return replace(schema, stream_weights={**schema.stream_weights, self.name: value})

    def __str__(self) -> str:
        where = "field" if self.kind in ("weight", "b") else "stream"
        return f"{'weight' if self.kind == 'streams' else self.kind} of {where} {self.name}"


class Tuned(NamedTuple):
    """What tuning found. The cells and the difference are over held-out queries; ``schema`` is the best setting on all of them."""

    measure: str
    queries: int
    folds: int
    settings: int
    before: Schema
    schema: Schema
    parameters: list[Parameter]
    current: Cell
    tuned: Cell
    difference: Cell
    p: float

    @property
    def noise(self) -> bool:
        """Whether the gain cannot be told from chance, or is none."""
        return self.schema == self.before or self.difference.mean <= 0 or self.p >= SIGNIFICANT


def tune(
    index: Any,
    queries: Mapping[str, str],
    judgments: Mapping[str, Mapping[str, float]],
    measure: str = "nDCG@10",
    folds: int = 5,
    settings: int = 100,
    seed: int = 0,
    tried: Callable[[], object] = lambda: None,
) -> Tuned:
    """Try ``settings`` settings beside the present one; raises EvaluationError. ``tried`` is called after each."""
    wanted = judged(queries, judgments)
    if len(wanted) < 2 * folds:
        raise EvaluationError(
            f"expected at least {2 * folds} judged queries for {folds} folds, found {len(wanted)}; judge more, or take fewer folds"
        )
    trial = Trial(index, {qid: queries[qid] for qid in wanted}, wanted, measure)
    parameters = trial.parameters()
    rng = np.random.default_rng(seed)
    schemas = [index.schema, *draws(index.schema, parameters, settings, rng)]
    rows = []
    for schema in schemas:
        rows.append(trial.values(schema))
        tried()
    values = np.stack(rows)
    held_out = cross_validated(values, folds, rng)
    gain = held_out - values[0]
    best = schemas[int(values.mean(axis=1).argmax())]
    return Tuned(
        trial.measure, len(wanted), folds, settings, index.schema, best, parameters,
        interval(values[0]), interval(held_out), interval(gain), paired_p(values[0], held_out),
    )  # fmt: skip


class Trial:
    """Judged queries over one index, analysed once, to be measured under any schema of the same fields."""

    def __init__(self, index: Any, queries: Mapping[str, str], wanted: Mapping[str, Mapping[str, int]], measure: str) -> None:
        measures = parse_measures(measure)
        if len(measures) != 1:
            raise EvaluationError(f"--measure: expected one measure, found {measure!r}")
        self.measure, self._measures = str(measures[0]), measures
        self._depth = measures[0].params.get("cutoff", UNLIMITED_DEPTH)
        self._index, self._wanted = index, wanted
        self._terms = QueryTerms(index)
        self._analysed = {qid: self._terms.analyse(text) for qid, text in queries.items()}

    def parameters(self) -> list[Parameter]:
        """What may make a difference: streams that the queries have, weights only where there are several fields."""
        fields = [field.name for field in self._index.schema.text_fields]
        found = [Parameter("b", name) for name in fields]
        if len(fields) > 1:
            found += [Parameter("weight", name) for name in fields]
        used = {term.stream for terms in self._analysed.values() for term in terms}
        streams = [name for stream, name in _STREAM_NAMES.items() if stream in used]
        found += [Parameter("k1", name) for name in streams]
        # Words are the unit that other streams are weighed in.
        others = [name for name in streams if name != "word" or "word" not in streams]
        if WORD in used and any(field.analyzer != "whitespace" for field in self._index.schema.text_fields):
            others.append("subword")
        return found + [Parameter("streams", name) for name in others]

    def values(self, schema: Schema) -> np.ndarray:
        """The measure of every query, float64[queries]."""
        view = copy.copy(self._index)
        view.schema = schema
        retriever, terms = Retriever(view), QueryTerms(view, self._terms.subwords)
        run = {qid: self._ranking(retriever, _weighed(terms, analysed)) for qid, analysed in self._analysed.items()}
        return per_query(self._measures, self._wanted, {qid: found for qid, found in run.items() if found})[self.measure]

    def _ranking(self, retriever: Retriever, query: Weighted) -> dict[str, float]:
        docs, _ = retriever.top(query.terms, query.weights, self._depth)
        return {encode_id(key): float(-rank) for rank, key in enumerate(self._index.keys(docs))}


def _weighed(terms: QueryTerms, analysed: list) -> Weighted:
    return terms.with_similar(analysed, terms.weigh(analysed))


def draws(schema: Schema, parameters: Sequence[Parameter], count: int, rng: np.random.Generator) -> Iterator[Schema]:
    """``count`` schemas in which some parameters, at least one, are other than in ``schema``."""
    for _ in range(count):
        chosen = rng.random(len(parameters)) < CHANGED
        chosen[rng.integers(len(parameters))] = True
        drawn = schema
        for parameter in (parameter for parameter, changed in zip(parameters, chosen) if changed):
            drawn = parameter.put(drawn, _draw(parameter, schema, rng))
        yield drawn


def _draw(parameter: Parameter, schema: Schema, rng: np.random.Generator) -> float:
    if parameter.kind == "b":
        return round(float(rng.uniform(LEAST_B, 1.0)), 2)
    # What is switched off stays so.
    return float(f"{min(parameter.of(schema) * float(np.exp(rng.normal(0.0, SPREAD))), 100.0):.2g}")


def cross_validated(values: np.ndarray, folds: int, rng: np.random.Generator) -> np.ndarray:
    """``values`` float64[settings, queries] -> for each query its value under the setting that is best on the other folds (the first of equals)."""
    fold = rng.permutation(values.shape[1]) % folds
    held_out = np.empty(values.shape[1])
    for number in range(folds):
        out = fold == number
        held_out[out] = values[values[:, ~out].mean(axis=1).argmax(), out]
    return held_out


def report_of(found: Tuned) -> str:
    """What was found, as text for a terminal."""
    lines = [
        f"{found.measure} of {found.queries} queries, {found.folds} folds, {found.settings} settings; mean [95 % interval]",
        f"current       {_shown(found.current)}",
        f"tuned         {_shown(found.tuned)}  each query with the setting that is best on the other folds",
        f"difference   {found.difference.mean:+.4f} [{found.difference.low:+.4f}, {found.difference.high:+.4f}]  paired t-test p = {found.p:.4f}",
        "",
        _verdict(found),
    ]
    changed = [
        f"  {parameter}: {parameter.of(found.before):g} -> {parameter.of(found.schema):g}"
        for parameter in found.parameters
        if parameter.of(found.before) != parameter.of(found.schema)
    ]
    return "\n".join([*lines, *(["best on all queries:", *changed] if changed else [])])


def _verdict(found: Tuned) -> str:
    if found.schema == found.before:
        return "no setting was better than the current one: keep it"
    if found.noise:
        return "the gain is noise: it cannot be told from chance on queries that had no say; keep the current setting"
    return "the gain holds on queries that had no say in it; no build is needed, an index takes these numbers when it is opened"


def _shown(cell: Cell) -> str:
    return f"{cell.mean:.4f} [{cell.low:.4f}, {cell.high:.4f}]"


def save(found: Tuned, path: Path) -> None:
    """Write the tuned schema; raises OutputError rather than replace a file that holds more than a schema."""
    text = f"# tuned for {found.measure} on {found.queries} judged queries\n{to_toml(found.schema)}"
    try:
        other = sorted(set(tomllib.loads(path.read_text(encoding="utf-8"))) - _TABLES) if path.exists() else []
        if other:
            raise OutputError(
                f"{path}: expected a schema or no file, found a table [{other[0]}]; give another name, and copy what you want"
            )
        write_file(path, text.encode())
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OutputError(f"{path}: expected a schema that can be replaced, found: {reason(error)}") from error
