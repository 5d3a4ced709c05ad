"""What a reader asked for -> the engine's result, with the counts that facets show.

Where values of a field are chosen, its other values are counted without that choice: they are alternatives to it, and the page says how many
more each would bring.
"""

from collections.abc import Mapping
from typing import Any

from searchd.page_filters import facet_fields, filter_expression
from searchd.page_query import PageQuery
from searchd.params import MAX_WINDOW, SearchParams
from searchd.searching import run_search
from searchd.service import Service

Counts = dict[str, dict[str, int]]


def page_search(service: Service, query: PageQuery, client_id: str) -> Any:
    """The engine's Result for a page, logged; raises SearchdError and HttpProblem."""
    size = service.settings.page_size
    offset = (query.page - 1) * size
    params = SearchParams(
        q=query.q,
        limit=min(size, MAX_WINDOW - offset),
        offset=offset,
        filter=page_filter(service, query),
        sort=[query.sort] if query.sort else [],
        facets=facet_fields(service.engine.index.schema, service.settings),
        num_typos=0 if query.exact else None,
        client_id=client_id,
    )
    result = run_search(service, params)
    return result._replace(facets=result.facets | _without_themselves(service, query, result))


def page_filter(service: Service, query: PageQuery) -> str | None:
    """The filter of the API for what is set."""
    return filter_expression(query.chosen, query.ranges, kinds_of(service))


def kinds_of(service: Service) -> Mapping[str, str]:
    """The types of the collection's columns, by name."""
    return {field.name: field.type for field in service.engine.index.schema.columns}


def _without_themselves(service: Service, query: PageQuery, result: Any) -> Counts:
    """Counts of each field that has chosen values, under all filters but its own."""
    chosen = {name for name, _ in query.chosen} & set(result.facets)
    answered = result.corrected_query if result.shown_instead else query.q
    found: Counts = {}
    for name in chosen:
        rest = page_filter(service, query.without_field(name))
        counted = service.engine.search(
            answered,
            limit=0,
            filter=rest,
            facets=[name],
            model="none",
            highlight=False,
            num_typos=0,
            log=False,
            timeout_ms=service.limit_ms(None),
        )
        found |= counted.facets
    return found
