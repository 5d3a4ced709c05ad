"""A Result -> text for a terminal, or JSON."""

import html
import re
from typing import Any

import orjson

from searchd.explanations import Explanation
from searchd.hits import Hit
from searchd.results import Result

PASSAGE_CHARS = 200
FEATURES_SHOWN, DIFFERENCES_SHOWN = 5, 15
_MARK = re.compile(r"</?mark>")


def result_text(result: Result) -> str:
    """A few lines a hit, best first; scores are explained where they were asked to be."""
    model = "/".join(result.model) if result.model else "no model"
    sign = "" if result.total.relation == "eq" else "at least "
    noun = "document" if result.total.value == 1 else "documents"
    lines = [f"{sign}{result.total.value} {noun}, {result.took:.1f} ms, {result.generation}, {model}"]
    for rank, hit in enumerate(result.hits, 1):
        lines += _hit_lines(rank, hit)
    return "\n".join(lines)


def _hit_lines(rank: int, hit: Hit) -> list[str]:
    passages = [_plain(passage) for value in hit.highlights.values() for passage in (value if isinstance(value, list) else [value])]
    shown = [passage for passage in passages if passage][:2]
    lines = [f"{rank:3}. {hit.score:.4f}  {hit.id}", *(f"     {passage}" for passage in shown)]
    return lines + (_explanation_lines(hit.explanation) if hit.explanation else [])


def _plain(passage: str) -> str:
    """Marks become asterisks and control characters, which could move the cursor, spaces."""
    text = html.unescape(_MARK.sub("*", passage))
    printable = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(printable.split())[:PASSAGE_CHARS]


def _explanation_lines(explanation: dict[str, Any]) -> list[str]:
    lines = [f"       BM25F {explanation['retrieval_score']:.4f}"]
    for part in explanation["retrieval"]["terms"]:
        fields = ", ".join(f"{name} {tf}" for name, tf in part["frequencies"].items())
        lines.append(
            f"         {part['score']:.4f} = {part['term']} (weight {part['weight']:g}, idf {part['idf']:.4f}, df {part['df']}; {fields})"
        )
    return lines + _model_lines(explanation["model"] or {})


def _model_lines(model: dict[str, Any]) -> list[str]:
    """What a model gave, and the features that gave most of it."""
    if not model:
        return []
    lines = [f"       model {model['name']}/{model['version']} {model['score']:.4f}"]
    if "contributions" not in model:
        return lines
    shown, rest = model["contributions"][:FEATURES_SHOWN], model["contributions"][FEATURES_SHOWN:]
    lines += [f"         {part['contribution']:+.4f} = {part['feature']} ({part['value']:.6g})" for part in shown]
    others = sum(part["contribution"] for part in rest) + model["moved"]
    return [*lines, f"         {others:+.4f} = {len(rest)} other features", f"         {model['base']:+.4f} = base"]


def explained_text(found: Explanation) -> str:
    """Why one document has its score."""
    score = "does not match" if found.score is None else f"{found.score:.4f}"
    return "\n".join([f"{found.id}  {score}", *_explanation_lines(found.explanation)])


def compared_text(first: Explanation, second: Explanation, differences: list[dict[str, Any]]) -> str:
    """What puts one document above another, greatest first."""
    scores = [float(one.explanation["score"]) for one in (first, second)]
    lines = [f"{scores[0]:.4f}  {first.id}", f"{scores[1]:.4f}  {second.id}", f"{scores[0] - scores[1]:+.4f} = the sum of"]
    for row in differences[:DIFFERENCES_SHOWN]:
        values = " against ".join("-" if value is None else f"{value:.6g}" for value in row["values"])
        lines.append(f"  {row['difference']:+.4f}  {row['feature']} ({values})")
    rest = differences[DIFFERENCES_SHOWN:]
    return "\n".join([*lines, f"  {sum(row['difference'] for row in rest):+.4f}  {len(rest)} others"] if rest else lines)


def result_json(result: Result) -> str:
    """The Result as the HTTP API would answer it."""
    hits = [{name: value for name, value in hit._asdict().items() if value is not None} for hit in result.hits]
    answer = {
        "query_id": result.query_id,
        "took": result.took,
        "total": result.total._asdict(),
        "hits": hits,
        "facets": result.facets,
        "generation": result.generation,
        "model": None if result.model is None else result.model._asdict(),
        "partial": result.partial,
        "coverage": result.coverage,
    }
    return _json(answer)


def explained_json(first: Explanation, second: Explanation | None = None, differences: list[dict[str, Any]] | None = None) -> str:
    """One explanation, or two with what tells them apart, as the HTTP API would answer it."""
    other = {} if second is None else {"other": second._asdict(), "differences": differences}
    return _json(first._asdict() | other)


def _json(answer: dict[str, Any]) -> str:
    return orjson.dumps(answer, default=str, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS).decode()
