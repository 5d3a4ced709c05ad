"""A search that was answered, as the click log keeps it: what was asked, what was shown, and by what it can be scored again."""

import time

import numpy as np

from ranker.clicklog import Impression
from ranker.requests import Request
from searchd.answering import Wanted
from searchd.results import Page, Result


def impression_of(result: Result, page: Page, wanted: Wanted, who: dict[str, str | None]) -> Impression:
    """The row of a search that was logged now; ``who`` may name application, client_id, session_id and user_id."""
    return Impression(
        query_id=result.query_id,
        timestamp=int(time.time() * 1000),
        user_query=wanted.q,
        keys=[hit.id for hit in result.hits],
        generation=result.generation,
        model="" if result.model is None else "/".join(result.model),
        feature_fingerprint=result.feature_fingerprint,
        first_rank=wanted.offset + 1,
        features=result.features,
        scores=np.asarray(page.ranked.retrieval_scores, np.float32),
        request=_request_of(result, wanted).encoded(),
        served=None if page.model is None or page.tried else np.asarray(page.ranked.scores, np.float32),
        propensities=page.propensities,
        experiment=page.experiment,
        teams=page.teams,
        weights=page.weights,
        application=who.get("application") or "",
        client_id=who.get("client_id") or "",
        session_id=who.get("session_id") or "",
        user_id=who.get("user_id") or "",
    )


def _request_of(result: Result, wanted: Wanted) -> Request:
    """What asked for the page; ``shown`` is the text whose page it is, where that is another one."""
    shown = result.corrected_query or "" if result.shown_instead else ""
    w = wanted
    return Request(w.mode, w.filter, w.minimum, w.limit, w.rerank_depth, shown, bool(w.keys), w.locale, result.partial)
