"""A search as the service does it: the engine's result, logged and counted, as the API tells it."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import structlog

from ranker.query_ids import verify_query_id
from searchd.answers import DifferenceAnswer, ExplainAnswer, ExplainedAnswer, HitAnswer, ModelRef, RankAnswer, SearchAnswer, Total
from searchd.deadly import Blocked
from searchd.error_codes import ERROR_CODES
from searchd.errors_http import HttpProblem, Overloaded
from searchd.params import ExplainParams, RankParams, SearchParams
from searchd.responses import hit_answer
from searchd.service import Service

WAITED = 0.5  # of its time a search may wait for its turn, so that some is left to search
log = structlog.get_logger("searchd.search")


def run_search(service: Service, params: SearchParams) -> Any:
    """The engine's Result; written to the click log when the request and the settings allow it."""
    if params.query_id is not None:
        verify_query_id(service.secret, params.query_id, service.settings.query_id_lifetime)
    with _turn(service, service.limit_ms(params.timeout_ms)) as timeout_ms:
        started = time.perf_counter()
        with _unblocked(service, params):
            result = _searched(service, params, timeout_ms)
        seconds = time.perf_counter() - started
    _count(service, params, result, seconds)
    service.guard.tick()
    return result


@contextmanager
def _turn(service: Service, limit: int | None) -> Iterator[float | None]:
    """A search's turn among those of this worker; what is left of its ``limit`` in milliseconds. Raises Overloaded when half of
    that is over before."""
    asked = time.perf_counter()
    if not service.turns.acquire(timeout=WAITED * limit / 1000 if limit else None):
        raise Overloaded
    try:
        yield limit and max(1.0, limit - 1000 * (time.perf_counter() - asked))
    finally:
        service.turns.release()


@contextmanager
def _unblocked(service: Service, params: SearchParams) -> Iterator[None]:
    """Searching, which may be the end of this worker; raises HttpProblem for what was the end of two."""
    try:
        with service.running.answering(params.q, params.filter, params.sort, params.facets, params.mode):
            yield
    except Blocked as error:
        message, seconds = ERROR_CODES["query_blocked"], math.ceil(error.seconds)
        raise HttpProblem(503, "query_blocked", message, {"Retry-After": str(seconds)}) from error


def _searched(service: Service, params: SearchParams, timeout_ms: float | None) -> Any:
    settings = service.settings
    return service.engine.search(
        params.q,
        limit=params.limit,
        offset=params.offset,
        filter=params.filter,
        facets=params.facets,
        sort=params.sort or None,
        model=params.model or settings.model,
        explain=params.explain,
        fields=params.fields,
        highlight=params.highlight,
        crop_length=params.crop_length or settings.crop_length,
        mode=params.mode,
        minimum_should_match=params.minimum_should_match,
        rerank_depth=params.rerank_depth or settings.rerank_depth,
        num_typos=params.num_typos,
        locale=params.locale or "",
        timeout_ms=timeout_ms,
        partial=params.partial,
        log=params.log,
        query_id=params.query_id,
        application=params.application or settings.application,
        client_id=params.client_id or "",
        session_id=params.session_id or "",
        user_id=params.user_id or "",
    )


def _count(service: Service, params: SearchParams, result: Any, seconds: float) -> None:
    metrics = service.metrics
    metrics.searches.labels(result.model.name if result.model else "none").inc()
    metrics.search_seconds.observe(seconds)
    for stage, spent in result.seconds.items():
        metrics.stages[stage].observe(spent)
    metrics.results.observe(result.total.value)
    for counter, counted in (
        (metrics.empty, not result.total.value),
        (metrics.partial, result.partial),
        (metrics.corrected, result.shown_instead),
    ):
        if counted:
            counter.inc()
    service.count_log()
    if seconds * 1000 > service.settings.slow_search_ms:
        log.warning("slow search", milliseconds=round(seconds * 1000), characters=len(params.q), generation=result.generation)


def search_answer(result: Any, params: SearchParams) -> SearchAnswer:
    """A Result as the API tells it."""
    return SearchAnswer(
        query_id=result.query_id,
        took=result.took,
        total=Total(result.total.value, result.total.relation),
        # Of an answer that is kept the JSON of the hits is made already.
        hits=[hit_answer(hit) for hit in result.hits] if result.made is None else msgspec.Raw(result.made),  # type: ignore[arg-type]
        facets=result.facets,
        generation=result.generation,
        model=model_ref(result.model),
        partial=result.partial,
        coverage=result.coverage,
        corrected_query=result.corrected_query,
        shown_instead=result.shown_instead,
    )


def model_ref(model: Any) -> ModelRef | None:
    """A model's name and version; None for none."""
    return None if model is None else ModelRef(*model[:2])


def explain(service: Service, key: str, params: ExplainParams) -> ExplainAnswer:
    """Why a document has the score it has, and what tells it apart from another one."""
    model = params.model or service.settings.model
    if params.than is None:
        return ExplainAnswer(*service.engine.explain(key, params.q, model=model))
    first, second, differences = service.engine.compare(key, params.than, params.q, model=model)
    rows = [DifferenceAnswer(**row) for row in differences]
    return ExplainAnswer(first.id, first.matched, first.score, first.explanation, ExplainedAnswer(*second), rows)


def rank(service: Service, params: RankParams) -> RankAnswer:
    """The caller's candidates in the order of a model."""
    ranking, unknown = service.engine.rank_documents(params.q, params.ids, model=params.model or service.settings.model)
    hits = [HitAnswer(key, float(score), {}, {}) for key, score in zip(ranking.keys, ranking.scores)]
    return RankAnswer(hits, unknown, ranking.generation, model_ref(ranking.model))
