"""What a request may ask, as msgspec types: one validation for the query string and for the JSON body, and the source of the OpenAPI document.

The query string is read with the same types as the body, only less strictly (``limit=10`` is a number there). Lists are repeated or separated by
commas, anything else is given once. Text loses control characters and lone surrogates before anything else sees it, since neither a term nor a log
line can hold them.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from typing import Annotated, Any, Literal, TypeVar, get_origin, get_type_hints

import msgspec
from flask import request
from msgspec import Meta

from ranker.events import deeper_than
from searchd.errors_http import HttpProblem
from searchd.request_checks import converted, require_known, require_single_names

MAX_QUERY = 512
MAX_WINDOW = 1000
SEARCH_BODY = 16 * 1024
EVENTS_BODY = 256 * 1024
DOCUMENTS_BODY = 64 * 1024 * 1024
MAX_DEPTH = 32
JSON, LINES = "application/json", "application/x-ndjson"

Identifier = Annotated[str, Meta(max_length=100)]
ModelName = Annotated[str, Meta(max_length=64, description="A published model, `active`, or `none` for the order of BM25.")]
Query = Annotated[str, Meta(description='Words, "phrase", -not, field:word, OR, parentheses, prefix*; at most 512 characters after NFKC.')]
Filter = Annotated[str, Meta(max_length=4096, description='Such as `year >= 2020 AND NOT tag IN ["a", "b"]`.')]
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
T = TypeVar("T", bound="Params")


class Params(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Anything that a request is read into."""


class SearchParams(Params):
    """A search; the same for GET and POST."""

    q: Query = ""
    limit: Annotated[int, Meta(ge=0, le=100, description="Hits to return.")] = 20
    offset: Annotated[int, Meta(ge=0, le=MAX_WINDOW, description="Hits to skip; offset + limit is at most 1000.")] = 0
    filter: Filter | None = None
    sort: Annotated[list[str], Meta(max_length=8, description="`field:asc` or `field:desc`, the first decides; without, by score.")] = []
    facets: Annotated[list[str], Meta(max_length=32, description="Fields whose values are counted.")] = []
    fields: Annotated[list[str], Meta(max_length=256, description="Fields of the documents to return; without, all.")] | None = None
    highlight: Annotated[bool, Meta(description="Whether hits carry passages with `<mark>`.")] = True
    crop_length: Annotated[int, Meta(ge=20, le=10_000, description="Characters of a passage.")] | None = None
    mode: Annotated[Literal["or", "and"], Meta(description="Whether any word or every word must occur.")] = "or"
    minimum_should_match: (
        Annotated[int, Meta(ge=1, le=512, description="How many of the plain words must occur, instead of `mode`.")] | None
    ) = None
    locale: (
        Annotated[
            str,
            Meta(
                max_length=35,
                pattern="^[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*$",
                description="Language of the query, such as `en` or `zh-Hans`; without, the text tells. In languages that are not Chinese, letters "
                "are never read as pinyin and characters never put right by their sound.",
            ),
        ]
        | None
    ) = None
    num_typos: (
        Annotated[
            int,
            Meta(
                ge=0,
                le=2,
                description="At most so many edits a word are put right in `corrected_query`; without, one from 5 letters and two from 9. "
                "0: no correction of any kind.",
            ),
        ]
        | None
    ) = None
    model: ModelName | None = None
    rerank_depth: Annotated[int, Meta(ge=1, le=1000, description="How many retrieved documents the model orders.")] | None = None
    explain: Annotated[bool, Meta(description="Whether hits say how their score came about.")] = False
    log: Annotated[bool, Meta(description="Whether the search is written to the click log.")] = True
    timeout_ms: (
        Annotated[
            int,
            Meta(
                ge=1,
                le=5000,
                description="After so many milliseconds retrieval stops and what comes next is left out: the model's order, the exact total, "
                "corrections, passages, facets; without, the server's own limit holds. `partial` says that something is missing, `coverage` which "
                "share of the documents was looked at.",
            ),
        ]
        | None
    ) = None
    partial: Annotated[
        Literal["allow", "deny"],
        Meta(description="`deny`: 503 `partial_answer` or `corrupt_index` instead of an answer from which something is missing."),
    ] = "allow"
    query_id: Annotated[Identifier, Meta(description="An id this server issued: a further page of the same search.")] | None = None
    client_id: Annotated[Identifier, Meta(description="Who asks, as far as the caller tells: a device or browser.")] | None = None
    session_id: Annotated[Identifier, Meta(description="The visit that the search belongs to.")] | None = None
    user_id: Annotated[Identifier, Meta(description="The account that the search belongs to.")] | None = None
    application: (
        Annotated[Identifier, Meta(description="Which of the caller's applications asks; without, that of the settings.")] | None
    ) = None

    def __post_init__(self) -> None:
        self.q = clean_query(self.q)
        if self.offset + self.limit > MAX_WINDOW:
            raise ValueError(
                f"offset + limit is at most {MAX_WINDOW}, found {self.offset + self.limit}; narrow the search by a filter instead"
            )


class SuggestParams(Params):
    """Completions of what has been typed so far."""

    q: Query = ""
    limit: Annotated[int, Meta(ge=1, le=20, description="Completions to return.")] = 8

    def __post_init__(self) -> None:
        self.q = clean_query(self.q)


class AnalyzeParams(Params):
    """Text to be cut into tokens, as the index does it."""

    text: Annotated[str, Meta(max_length=10_000, description="What to cut into tokens.")] = ""
    field: Annotated[str, Meta(max_length=256, description="The field whose analyser is used; without, the standard one.")] | None = None

    def __post_init__(self) -> None:
        self.text = clean(self.text)


class ExplainParams(Params):
    """The query against which a document's score is explained, beside that of another document of the same list."""

    q: Query
    model: ModelName | None = None
    than: (
        Annotated[str, Meta(max_length=512, description="Id of another document: by how much each feature tells the two apart.")] | None
    ) = None

    def __post_init__(self) -> None:
        self.q = clean_query(self.q)


class RankParams(Params):
    """Candidates of the caller's own, to be ordered for a query."""

    q: Query
    ids: Annotated[list[str], Meta(min_length=1, max_length=1000, description="Document ids; unknown ones are returned apart.")]
    model: ModelName | None = None
    explain: Annotated[bool, Meta(description="Whether hits say how their score came about.")] = False

    def __post_init__(self) -> None:
        self.q = clean_query(self.q)


class SimilarParams(Params):
    """How many similar documents."""

    limit: Annotated[int, Meta(ge=1, le=100, description="Documents to return.")] = 10


class ChangeParams(Params):
    """How a change of documents is carried out."""

    refresh: Annotated[bool, Meta(description="Whether searches see the change when the call returns.")] = False


class TasksParams(Params):
    """Which tasks to list."""

    limit: Annotated[int, Meta(ge=1, le=1000, description="Tasks to return, the newest first.")] = 100
    status: Annotated[Literal["processing", "succeeded", "failed"], Meta(description="Only tasks in this state.")] | None = None
    type: Annotated[str, Meta(max_length=64, description="Such as `documents_upsert` or `merge`.")] | None = None


class ActivateParams(Params):
    """Which version of a model is to serve; without one, the newest. ``force``: whatever is known of it."""

    version: Annotated[str, Meta(max_length=64, description="Such as `v0003`; without, the newest.")] | None = None
    force: Annotated[bool, Meta(description="Whether a model may serve that does worse than what serves.")] = False


def clean(text: str) -> str:
    """The text without what no term can hold."""
    return _CONTROL.sub(" ", text)


def clean_query(text: str) -> str:
    """A query's text, cleaned; raises HttpProblem when it is too long after NFKC, which can make text 18 times longer."""
    text = clean(text)
    length = len(unicodedata.normalize("NFKC", text[: MAX_QUERY + 1]))
    if len(text) > MAX_QUERY or length > MAX_QUERY:
        raise HttpProblem(
            400, "query_too_long", f"q: expected at most {MAX_QUERY} characters after NFKC, found {max(len(text), length)}; shorten it"
        )
    return text


def read_params(kind: type[T]) -> T:
    """The parameters of the current request: the JSON body of a POST or PUT that has one, else the query string."""
    if request.method in ("POST", "PUT") and request.get_data(cache=True):
        return read_body(kind)
    return read_query_string(kind)


def read_query_string(kind: type[T]) -> T:
    """Parameters from the query string, in which ``require_address_of`` found nothing."""
    return params_of(kind, request.args.lists())


def params_of(kind: type[T], args: Iterable[tuple[str, list[str]]]) -> T:
    """Parameters from names and their values as a query string has them."""
    lists = list_fields(kind)
    values: dict[str, Any] = {}
    for name, given in args:
        if name in lists:
            values[name] = [part.strip() for one in given for part in one.split(",") if part.strip()]
        elif given[-1] or name in ("q", "text"):  # an empty form field is one that was not filled in
            values[name] = given[-1]
    return converted(values, kind, strict=False)


def read_body(kind: type[T]) -> T:
    """Parameters from a JSON object."""
    values = read_json()
    if isinstance(values, dict):
        require_single_names(request.get_data(cache=True))
        for name, value in values.items():
            require_known(name, kind.__struct_fields__)
            if type(value) is float and value.is_integer():  # 5.0 is an integer to JSON Schema
                values[name] = int(value)
    return converted(values, kind, strict=True)


def read_json() -> Any:
    """The body as JSON values; raises 415 for another media type and 400 for what is not JSON."""
    require_media_type(JSON)
    return decode_json(request.get_data(cache=True))


def decode_json(data: bytes) -> Any:
    """JSON values nested at most MAX_DEPTH deep; the decoder itself gives up long before the stack ends."""
    try:
        value = msgspec.json.decode(data)
        deep = deeper_than(value, MAX_DEPTH)
    except RecursionError:
        deep = True
    except (UnicodeDecodeError, ValueError) as error:
        raise HttpProblem(400, "malformed_json", f"expected JSON in UTF-8: {error}") from error
    if deep:
        raise HttpProblem(400, "too_deep", f"expected JSON nested at most {MAX_DEPTH} deep")
    return value


def require_media_type(*accepted: str) -> None:
    """Refuse a body of another type: forms of foreign pages can send only such, so this also keeps them out."""
    if request.mimetype not in accepted:
        raise HttpProblem(
            415, "unsupported_media_type", f"expected Content-Type {' or '.join(accepted)}, found {request.mimetype or 'none'!r}"
        )


@cache
def list_fields(kind: type[Params]) -> frozenset[str]:
    """The parameters that are lists."""
    hints = get_type_hints(kind)
    return frozenset(name for name, hint in hints.items() if _is_list(hint))


def _is_list(hint: Any) -> bool:
    """Whether a hint is a list, or a list or None."""
    return get_origin(hint) is list or any(
        _is_list(part) for part in getattr(hint, "__args__", ()) if hint is not part and get_origin(hint) is not list
    )
