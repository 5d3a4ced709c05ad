"""The names that calls of the client may have, with their types: those of the API, which a test compares with what the server reads."""

from typing import Literal, TypedDict


class SearchOptions(TypedDict, total=False):
    """Parameters of a search besides ``q``; what each does is in ``searchd.params.SearchParams`` and on a server's ``/docs``."""

    limit: int
    offset: int
    filter: str | None
    sort: list[str]
    facets: list[str]
    fields: list[str] | None
    highlight: bool
    crop_length: int | None
    mode: Literal["or", "and"]
    minimum_should_match: int | None
    locale: str | None
    num_typos: int | None
    model: str | None
    rerank_depth: int | None
    explain: bool
    log: bool
    timeout_ms: int | None
    partial: Literal["allow", "deny"]
    query_id: str | None
    client_id: str | None
    session_id: str | None
    user_id: str | None
    application: str | None


class Who(TypedDict, total=False):
    """Who did something, and where: fields of a UBI event that help to tell sessions apart."""

    application: str
    client_id: str
    session_id: str
    user_id: str
