"""What is wanted -> the answer: a query's page, or that of what was probably meant, with readable hits and facets.

parse >> plan >> retrieve (or sort, or draft) >> rerank >> hits >> facets; where nothing was found, the same for the corrected text
"""

from typing import NamedTuple

import numpy as np

from searchd.correction import corrected
from searchd.filters import filter_mask
from searchd.hits import Hit
from searchd.plan import Plan, make_plan
from searchd.query import Query, parse_query
from searchd.ranking import Ranked, Total
from searchd.results import Exploring, Page, Shown, facets_of, hits_of, ranked_page, sorted_page
from searchd.snapshot import Snapshot
from searchd.sorting import SortKey
from searchd.stages import OutOfTime, covers, lap, leave_out, time_is_up
from searchd.trials import Drafting, drafted_page


class Wanted(NamedTuple):
    """All that the answer to a search depends on, but for the snapshot and what is tried; hashable. ``features``: rows of them, to be logged."""

    q: str
    limit: int
    offset: int
    filter: str
    facets: tuple[str, ...]
    keys: tuple[SortKey, ...]
    model: str | None
    shown: Shown
    mode: str
    minimum: int | None
    rerank_depth: int
    num_typos: int | None
    locale: str
    features: bool


class Answer(NamedTuple):
    """What was found. ``made``: what is kept with the hits of an answer that is kept, such as their JSON."""

    page: Page
    hits: list[Hit]
    facets: dict[str, dict[str, int]]
    meant: str | None
    shown_instead: bool
    made: bytes | None = None


class Asked(NamedTuple):
    """A search but for its text."""

    mode: str
    filter: str
    minimum: int | None
    keys: tuple[SortKey, ...]
    limit: int
    offset: int
    model: str | None
    rerank_depth: int
    features: bool
    explain: bool = False
    trial: Drafting | Exploring | None = None


class Found(NamedTuple):
    """What answers a query: perhaps another text's page, which was ``meant``."""

    plan: Plan
    page: Page
    meant: str | None = None
    shown_instead: bool = False


def answer_of(wanted: Wanted, snapshot: Snapshot, trial: Drafting | Exploring | None) -> Answer:
    """Search; raises what parsing, filters and facets raise. What there is no time for is left out, see ``stages.py``."""
    w = wanted
    explain = w.shown.explain
    asked = Asked(w.mode, w.filter, w.minimum, w.keys, w.limit, w.offset, w.model, w.rerank_depth, w.features, explain, trial)
    query = parse_query(w.q, snapshot.query_fields, w.locale)
    plan, page, meant, shown_instead = answered(query, snapshot, asked, w.num_typos, w.locale)
    hits = hits_of(page, plan, snapshot, w.shown)
    lap("hits")
    counted = facets_of(w.facets, plan, snapshot) if w.facets and not time_is_up("facets") else {}
    lap("facets")
    return Answer(page, hits, counted, meant, shown_instead)


def answered(query: Query, snapshot: Snapshot, asked: Asked, num_typos: int | None = None, locale: str = "") -> Found:
    """The query's page, or that of what was probably meant where the query itself finds nothing."""
    plan, page = _page_in_time(query, snapshot, asked)
    meant = _meant(query, plan, snapshot, num_typos)
    lap("correct")
    if meant is None or not (page.total.value == 0 or _only_similar(plan, snapshot)):
        return Found(plan, page, meant)
    instead, found = _page_in_time(parse_query(meant, snapshot.query_fields, locale), snapshot, asked)
    return Found(instead, found, meant, True) if found.total.value > 0 else Found(plan, page)


def _meant(query: Query, plan: Plan, snapshot: Snapshot, num_typos: int | None) -> str | None:
    """What was probably meant, if there is time to find out."""
    try:
        return None if time_is_up("correct") else corrected(query, plan, snapshot, num_typos)
    except OutOfTime:
        leave_out("correct")
        return None


def _page_in_time(query: Query, snapshot: Snapshot, asked: Asked) -> tuple[Plan, Page]:
    """A query's page; an empty one, of no documents looked at, when the time was up before anything could be scored."""
    try:
        return _page_of(query, snapshot, asked)
    except OutOfTime:
        leave_out("documents")
        covers(0.0)
        nothing = Ranked(np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.float32))
        return Plan(query.text, [], [], []), Page(nothing, Total(0, "gte"))


def _page_of(query: Query, snapshot: Snapshot, asked: Asked) -> tuple[Plan, Page]:
    """A query's page, and how it came about."""
    mask = filter_mask(asked.filter, snapshot.columns, snapshot.index.max_doc) if asked.filter.strip() else None
    plan = make_plan(query, snapshot, asked.mode, mask, mask is not None or bool(asked.keys), asked.minimum)
    lap("plan")
    if asked.keys or isinstance(asked.trial, Drafting):
        page = _otherwise_ordered(plan, snapshot, asked)
        lap("retrieve")
        return plan, page
    chosen = snapshot.choose_model(asked.model)
    place = asked.limit, asked.offset, asked.rerank_depth
    return plan, ranked_page(plan, snapshot, chosen, *place, asked.features, explain=asked.explain, exploring=asked.trial)


def _otherwise_ordered(plan: Plan, snapshot: Snapshot, asked: Asked) -> Page:
    """The page in order of columns, or as the models of an experiment draft it."""
    if isinstance(asked.trial, Drafting):
        return drafted_page(asked.trial, plan, snapshot, asked.limit, asked.offset, asked.rerank_depth)
    return sorted_page(plan, snapshot, asked.keys, asked.limit, asked.offset)


def _only_similar(plan: Plan, snapshot: Snapshot) -> bool:
    """Whether no document has a term of the query, so that what was found has words spelt like them."""
    return not snapshot.index.df([term.term for term in plan.query_terms]).any()
