"""A hit's explanation -> the panel that says why it has its place: what adds up to the score, and what tells it from its neighbours in the list.

The search is repeated around the hit's rank with ``explain``, under the same filters, so the numbers are those of the list itself.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

from indexer.tokens import STREAM_NAMES
from searchd.feature_words import feature_words
from searchd.hits import Hit
from searchd.interface import LANGUAGES, Interface
from searchd.page import field_label, field_text, isolated, plain, title_field
from searchd.page_bars import Bar, waterfall
from searchd.page_query import PageQuery
from searchd.page_search import page_filter
from searchd.params import MAX_WINDOW
from searchd.parts import difference
from searchd.service import Service
from searchd.similar import stored_document

MAX_ROWS = 8
MAX_DIFFERENCES = 5


class Row(NamedTuple):
    """One part of a score: what it is, in words and in numbers, and its place in the picture."""

    label: str
    detail: str
    amount: str
    bar: Bar


class Difference(NamedTuple):
    """What one part makes between two results."""

    label: str
    detail: str
    amount: str


class Neighbour(NamedTuple):
    """The result before or behind this one, and the parts that decide which of them comes first, the greatest first."""

    heading: str
    sentence: str
    rows: list[Difference]


class Why(NamedTuple):
    """Everything the panel shows. ``model`` are the rows of a model, ``terms`` those of the text search; either may be empty."""

    title: str
    rank: int
    summary: str
    score: str
    model: list[Row]
    model_name: str
    terms: list[Row]
    terms_score: str
    neighbours: list[Neighbour]
    numbers: str


def shown_why(service: Service, query: PageQuery, key: str, rank: int, t: Interface) -> Why:
    """The panel for the document ``key``, shown at ``rank``; raises SearchdError and HttpProblem."""
    hits, at, first = explained_hits(service, query, key, rank)
    hit, schema = hits[at], service.engine.index.schema
    titles = [title_of(schema, one) for one in hits]
    explanation = hit.explanation
    assert explanation is not None  # it was asked for
    ranker = explanation["model"] or {}
    model = model_rows(ranker, hit.score, t)
    terms = term_rows(explanation, not ranker, t)
    neighbours = [_neighbour(hits, titles, at, other, first, t) for other in (at - 1, at + 1) if 0 <= other < len(hits) and not query.sort]
    asked = {"q": query.q, "filter": page_filter(service, query), "sort": query.sort, "limit": 1, "offset": first + at - 1}
    more = urlencode({name: value for name, value in asked.items() if value} | {"explain": "true", "log": "false"})
    return Why(
        titles[at],
        first + at,
        _summary(query, hit, first + at, bool(ranker), t),
        "" if query.sort else number(hit.score),
        model,
        f"{ranker['name']} {ranker['version']}" if ranker else "",
        terms,
        number(explanation["retrieval"]["score"] if ranker or query.sort else hit.score),
        neighbours,
        f"/v1/search?{more}",
    )


def explained_hits(service: Service, query: PageQuery, key: str, rank: int) -> tuple[list[Hit], int, int]:
    """The hit with its neighbours, its place among them, and the rank of the first of them; alone when it is no longer found there."""
    offset = min(max(0, rank - 2), MAX_WINDOW - 3)
    result = service.engine.search(
        query.q,
        limit=3,
        offset=offset,
        filter=page_filter(service, query),
        sort=query.sort or None,
        model=service.settings.model,
        rerank_depth=service.settings.rerank_depth,
        num_typos=0,
        explain=True,
        highlight=False,
        log=False,
    )
    for at, hit in enumerate(result.hits):
        if hit.id == key:
            return list(result.hits), at, offset + 1
    document = stored_document(service.engine.index, key)
    alone = service.engine.explain(key, query.q, service.settings.model, service.settings.rerank_depth)
    return [Hit(key, alone.score or 0.0, document, {}, None, alone.explanation)], 0, max(rank, 1)


def title_of(schema: Any, hit: Hit) -> str:
    """The title of a hit, short."""
    name = title_field(schema, hit.document)
    return plain(field_text(hit.document[name]) if name else hit.id, 80)


def _summary(query: PageQuery, hit: Hit, rank: int, ranked: bool, t: Interface) -> str:
    """In one sentence what decided the place."""
    if query.sort:
        field = query.sort.rpartition(":")[0] or query.sort
        return t("why_sorted", rank=rank, field=field_label(field), value=isolated(plain(field_text(hit.document.get(field)), 60) or "–"))
    if not hit.explanation or not hit.explanation["retrieval"]["terms"]:
        return t("why_no_words", rank=rank)
    return t("why_ranked" if ranked else "why_text", rank=rank, score=number(hit.score))


def model_rows(ranker: dict[str, Any], score: float, t: Interface) -> list[Row]:
    """Base, the greatest contributions, the others as one: they sum to the score. Empty where no model ranks, or it cannot tell."""
    if "contributions" not in ranker:
        return []
    told = ranker["contributions"]
    shown, others = (told, []) if len(told) <= MAX_ROWS + 1 else (told[:MAX_ROWS], told[MAX_ROWS:])
    parts = [(t("base"), "", ranker["base"])]
    parts += [(words(one["feature"], t), t("value", value=value_text(one["value"])), one["contribution"]) for one in shown]
    parts += [(t("other_signals", count=len(others)), "", sum(one["contribution"] for one in others))] if others else []
    parts += [(t("moved"), "", ranker["moved"])] if ranker["moved"] else []
    bars = waterfall([amount for _, _, amount in parts])
    return [Row(label, detail, signed(amount), bar) for (label, detail, amount), bar in zip(parts, bars)]


def term_rows(explanation: dict[str, Any], whole: bool, t: Interface) -> list[Row]:
    """The words that were found, the weightiest first; ``whole``: with what makes them the score of the hit."""
    told = sorted(explanation["retrieval"]["terms"], key=lambda one: -one["score"])
    shown, others = (told, []) if len(told) <= MAX_ROWS + 1 else (told[:MAX_ROWS], told[MAX_ROWS:])
    parts = [(one["term"], _where(one, t), one["score"]) for one in shown]
    if others:
        parts.append((t("other_words", count=len(others)), " ".join(one["term"] for one in others), sum(one["score"] for one in others)))
    forms = explanation["score"] - explanation["retrieval"]["score"]
    if whole and parts and explanation["exact_forms"] != 1.0:
        parts.append((t("other_forms"), "", forms))
    bars = waterfall([amount for _, _, amount in parts])
    return [Row(label, detail, number(amount), bar) for (label, detail, amount), bar in zip(parts, bars)]


def _where(part: dict[str, Any], t: Interface) -> str:
    """Where a word was found, what that gives, and how rare it is: ``title 1× = 0.300, body 3× = 0.179; in 45 documents``."""
    found = part["frequencies"].items()
    fields = ", ".join(f"{field_label(name)} {count}× = {number(part['by_field'][name])}" for name, count in found)
    kind = t("pair_of_characters") if part["stream"] == STREAM_NAMES[2] else ""
    rare = t("in_documents_one" if part["df"] == 1 else "in_documents", count=t.number(part["df"]))
    return "; ".join(text for text in (kind, fields, rare) if text)


def _neighbour(hits: Sequence[Hit], titles: Sequence[str], at: int, other: int, first: int, t: Interface) -> Neighbour:
    """Why this hit stands below the one before it, or above the one behind it."""
    rows = difference(hits[at].explanation or {}, hits[other].explanation or {})
    rest = sum(row["difference"] for row in rows[MAX_DIFFERENCES:])
    shown = [
        Difference(
            words(row["feature"], t),
            t("here_there", here=value_text(row["values"][0]), there=value_text(row["values"][1])),
            signed(row["difference"]),
        )
        for row in rows[:MAX_DIFFERENCES]
    ]
    if rest:
        shown.append(Difference(t("everything_else"), "", signed(rest)))
    heading = t("why_below" if other < at else "why_above", rank=first + other, title=isolated(titles[other]))
    scores = {"score": number(hits[at].score), "other": number(hits[other].score)}
    sentence = t("scores_of_both" if shown else "same_score", **scores)
    return Neighbour(heading, sentence, shown)


def words(feature: str, t: Interface) -> str:
    """A feature, or a term, in the words of the page."""
    return feature_words(feature, LANGUAGES.index(t.language))


def number(value: float) -> str:
    """A score as people read it: three decimals."""
    return f"{value:.3f}".replace("-", "−")


def signed(value: float) -> str:
    """A part of a score, with its sign."""
    return ("+" if value >= 0 else "") + number(value)


def value_text(value: float | None) -> str:
    """The value of a feature; a dash where it has none."""
    return "–" if value is None or value != value else f"{value:.4g}".replace("-", "−")
