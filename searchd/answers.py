"""What the API answers, as msgspec types: they write the JSON and describe it in the OpenAPI document, so that the two cannot disagree.

The client reads answers into the same types, so nothing heavier than msgspec is imported here.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta


class Total(msgspec.Struct):
    """How many documents match; ``gte`` when counting stopped there."""

    value: int
    relation: Literal["eq", "gte"]


class ModelRef(msgspec.Struct):
    """A published model."""

    name: str
    version: str


class HitAnswer(msgspec.Struct, omit_defaults=True):
    """One document found."""

    id: str
    score: float
    document: dict[str, Any]
    highlights: Annotated[dict[str, Any], Meta(description="Field to passage, or to passages: HTML-escaped text with <mark>.")]
    features: Annotated[dict[str, float | None], Meta(description="By name; null where a feature has no value.")] | None = None
    explanation: Any = None


class SearchAnswer(msgspec.Struct, omit_defaults=True):
    """One page of results."""

    query_id: str
    took: Annotated[float, Meta(description="Milliseconds.")]
    total: Total
    hits: list[HitAnswer]
    facets: dict[str, Any]
    generation: str
    model: ModelRef | None
    partial: Annotated[bool, Meta(description="Whether `timeout_ms` was reached, so that something was left out.")]
    coverage: Annotated[float, Meta(description="Share of the documents that were looked at.")]
    corrected_query: (
        Annotated[str, Meta(description="What was probably meant: the query finds nothing, or a word of it is in hardly any document.")]
        | None
    ) = None
    shown_instead: Annotated[bool, Meta(description="The hits are those of `corrected_query`, since the query finds nothing.")] = False


class Suggestion(msgspec.Struct):
    """One way to go on."""

    text: str
    count: Annotated[int, Meta(description="Documents that have it; 0 when not counted.")] = 0


class SuggestAnswer(msgspec.Struct):
    """Completions, best first."""

    suggestions: list[Suggestion]
    corrected_query: Annotated[str, Meta(description="What the suggestions go on from, since nothing begins as was typed.")] | None = None


class TokenAnswer(msgspec.Struct):
    """One token; ``start`` and ``end`` count code points of the text that was sent."""

    term: str
    stream: str
    position: int
    start: int
    end: int
    surface: str


class AnalyzeAnswer(msgspec.Struct):
    """The tokens of a text, in order."""

    analyzer: str
    tokens: list[TokenAnswer]


class DifferenceAnswer(msgspec.Struct):
    """What one feature does between two documents: its values (null: no part in the score) and the difference of the scores that it makes."""

    feature: str
    values: tuple[float | None, float | None]
    difference: float


class ExplainedAnswer(msgspec.Struct):
    """Why a document has its score (null: it does not match)."""

    id: str
    matched: bool
    score: float | None
    explanation: Any


class ExplainAnswer(ExplainedAnswer):
    """Why a document has its score; with `than`, why it stands above or below that document, whose explanation is `other`."""

    other: ExplainedAnswer | None = None
    differences: list[DifferenceAnswer] | None = None


class ChangeAnswer(msgspec.Struct):
    """A change of documents, durable when this is sent."""

    accepted: int
    deleted: int
    generation: str
    task_uid: int


class DocumentAnswer(msgspec.Struct):
    """A stored document."""

    id: str
    document: dict[str, Any]


class SimilarAnswer(msgspec.Struct):
    """Documents like one, best first."""

    id: str
    hits: list[HitAnswer]


class RankAnswer(msgspec.Struct):
    """The caller's candidates, best first; ``unknown`` are ids that no document has."""

    hits: list[HitAnswer]
    unknown: list[str]
    generation: str
    model: ModelRef | None


class Refused(msgspec.Struct):
    """An event that was not counted, by its place in the batch."""

    index: int
    code: str
    message: str


class EventsAnswer(msgspec.Struct):
    """What became of the events; those accepted are durable."""

    accepted: int
    refused: list[Refused]
    duplicates: int = 0


class Status(msgspec.Struct):
    """A state in one word."""

    status: str


class ReadyAnswer(msgspec.Struct):
    """Whether searches are answered at full speed; ``waiting_for`` says what is missing."""

    status: str
    generation: str | None
    waiting_for: list[str]


class ReloadAnswer(msgspec.Struct):
    """What is served now."""

    generation: str
    model: ModelRef | None
    changed: bool


class FieldAnswer(msgspec.Struct):
    """A field of the schema."""

    name: str
    type: str


class StatsAnswer(msgspec.Struct):
    """What is in the index."""

    generation: str
    documents: int
    segments: int
    fields: list[FieldAnswer]


class QueryAnswer(msgspec.Struct):
    """A logged search in UBI's words; `events` are how often what was done."""

    query_id: str
    timestamp: Annotated[int, Meta(description="Milliseconds since the epoch.")]
    application: str
    user_query: str
    query_response_hit_ids: list[str]
    generation: str
    model: str | None
    events: dict[str, int]


class ModelsAnswer(msgspec.Struct):
    """Published models and the one that serves."""

    active: ModelRef | None
    models: list[dict[str, Any]]


class Task(msgspec.Struct):
    """A change this server carried out; times in ISO 8601."""

    uid: int
    status: Literal["processing", "succeeded", "failed"]
    type: str
    enqueued_at: str
    started_at: str
    finished_at: str | None
    error: str | None


class TasksAnswer(msgspec.Struct):
    """The latest changes, newest first."""

    tasks: list[Task]
