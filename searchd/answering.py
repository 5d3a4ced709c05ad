"""A parsed query -> its page, or the page of what was probably meant.

plan >> retrieve (or sort, or draft) >> rerank; then, where nothing was found, the same for the corrected text
"""

from typing import NamedTuple

import numpy as np

from searchd.correction import corrected
from searchd.plan import Plan, make_plan
from searchd.query import Query, parse_query
from searchd.results import Exploring, Page, ranked_page, sorted_page
from searchd.snapshot import Snapshot
from searchd.sorting import SortKey
from searchd.stages import lap, time_is_up
from searchd.trials import Drafting, drafted_page


class Asked(NamedTuple):
    """A search but for its text."""

    mode: str
    mask: np.ndarray | None
    minimum: int | None
    keys: list[SortKey]
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


def answered(query: Query, snapshot: Snapshot, asked: Asked, num_typos: int | None = None, locale: str = "") -> Found:
    """The query's page, or that of what was probably meant where the query itself finds nothing."""
    plan, page = _page_of(query, snapshot, asked)
    meant = None if time_is_up("correct") else corrected(query, plan, snapshot, num_typos)
    lap("correct")
    if meant is None or not (page.total.value == 0 or _only_similar(plan, snapshot)):
        return Found(plan, page, meant)
    instead, found = _page_of(parse_query(meant, snapshot.query_fields, locale), snapshot, asked)
    return Found(instead, found, meant, True) if found.total.value > 0 else Found(plan, page)


def _page_of(query: Query, snapshot: Snapshot, asked: Asked) -> tuple[Plan, Page]:
    """A query's page, and how it came about."""
    plan = make_plan(query, snapshot, asked.mode, asked.mask, asked.mask is not None or bool(asked.keys), asked.minimum)
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
