"""What the API answers, as msgspec types: they write the JSON and describe it in the OpenAPI document, so that the two cannot disagree.

The client reads answers into the same types, so nothing heavier than msgspec is imported here.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta


class Total(msgspec.Struct):
    """How many documents match; ``gte`` when counting stopped there."""

    value: Annotated[int, Meta(description="Matching documents, or how many were counted.")]
    relation: Annotated[Literal["eq", "gte"], Meta(description="`eq`: exact; `gte`: at least so many.")]


class ModelRef(msgspec.Struct):
    """A published model."""

    name: Annotated[str, Meta(description="Name in the registry.")]
    version: Annotated[str, Meta(description="Such as `v0003`.")]


class HitAnswer(msgspec.Struct, omit_defaults=True):
    """One document found."""

    id: Annotated[str, Meta(description="The document's id.")]
    score: Annotated[float, Meta(description="What the list is ordered by.")]
    document: Annotated[dict[str, Any], Meta(description="The stored fields, or those that were asked for.")]
    highlights: Annotated[dict[str, Any], Meta(description="Field to passage, or to passages: HTML-escaped text with <mark>.")]
    features: Annotated[dict[str, float | None], Meta(description="By name; null where a feature has no value.")] | None = None
    explanation: Any = None


class SearchAnswer(msgspec.Struct, omit_defaults=True):
    """One page of results."""

    query_id: Annotated[str, Meta(description="Signed name of this search; events about it carry it.")]
    took: Annotated[float, Meta(description="Milliseconds.")]
    total: Annotated[Total, Meta(description="How many documents match.")]
    hits: Annotated[list[HitAnswer], Meta(description="The page, best first.")]
    facets: Annotated[dict[str, Any], Meta(description="Field to value to number of documents.")]
    generation: Annotated[str, Meta(description="The index that answered.")]
    model: Annotated[ModelRef | None, Meta(description="What ordered the hits; null: BM25F.")]
    partial: Annotated[
        bool, Meta(description="Whether something is missing: `timeout_ms` was reached, or a damaged part of the index was left out.")
    ]
    coverage: Annotated[float, Meta(description="Share of the documents that were looked at.")]
    corrected_query: (
        Annotated[str, Meta(description="What was probably meant: the query finds nothing, or a word of it is in hardly any document.")]
        | None
    ) = None
    shown_instead: Annotated[bool, Meta(description="The hits are those of `corrected_query`, since the query finds nothing.")] = False


class Suggestion(msgspec.Struct):
    """One way to go on."""

    text: Annotated[str, Meta(description="The completed query.")]
    count: Annotated[int, Meta(description="Documents that have it; 0 when not counted.")] = 0


class SuggestAnswer(msgspec.Struct):
    """Completions, best first."""

    suggestions: Annotated[list[Suggestion], Meta(description="Ways to go on, best first.")]
    corrected_query: Annotated[str, Meta(description="What the suggestions go on from, since nothing begins as was typed.")] | None = None


class TokenAnswer(msgspec.Struct):
    """One token; ``start`` and ``end`` count code points of the text that was sent."""

    term: Annotated[str, Meta(description="As the index has it.")]
    stream: Annotated[str, Meta(description="Kind of term, such as `word` or `han2`.")]
    position: Annotated[int, Meta(description="Place in the sequence; phrases count in these.")]
    start: Annotated[int, Meta(description="First code point.")]
    end: Annotated[int, Meta(description="Code point behind the last one.")]
    surface: Annotated[str, Meta(description="The text that it stands for.")]


class AnalyzeAnswer(msgspec.Struct):
    """The tokens of a text, in order."""

    analyzer: Annotated[str, Meta(description="Name of the analyser.")]
    tokens: Annotated[list[TokenAnswer], Meta(description="In the order of the text.")]


class DifferenceAnswer(msgspec.Struct):
    """What one feature does between two documents: its values (null: no part in the score) and the difference of the scores that it makes."""

    feature: Annotated[str, Meta(description="Its name; without a model, a term.")]
    values: Annotated[tuple[float | None, float | None], Meta(description="Of the first document and of the second.")]
    difference: Annotated[float, Meta(description="Positive: it lifts the first.")]


class ExplainedAnswer(msgspec.Struct):
    """Why a document has its score (null: it does not match)."""

    id: Annotated[str, Meta(description="The document's id.")]
    matched: Annotated[bool, Meta(description="Whether the query finds the document.")]
    score: Annotated[float, Meta(description="What it is ordered by.")] | None
    explanation: Annotated[Any, Meta(description="Retrieval term by term, and what each feature added.")]


class ExplainAnswer(ExplainedAnswer):
    """Why a document has its score; with `than`, why it stands above or below that document, whose explanation is `other`."""

    other: Annotated[ExplainedAnswer | None, Meta(description="The same of the document named by `than`.")] = None
    differences: Annotated[list[DifferenceAnswer], Meta(description="Greatest first.")] | None = None


class ChangeAnswer(msgspec.Struct):
    """A change of documents, durable when this is sent."""

    accepted: Annotated[int, Meta(description="Documents added or replaced.")]
    deleted: Annotated[int, Meta(description="Documents deleted.")]
    generation: Annotated[str, Meta(description="The index that has the change.")]
    task_uid: Annotated[int, Meta(description="Number of the change in `/v1/tasks`.")]


class DocumentAnswer(msgspec.Struct):
    """A stored document."""

    id: Annotated[str, Meta(description="The document's id.")]
    document: Annotated[dict[str, Any], Meta(description="The fields as they were stored.")]


class SimilarAnswer(msgspec.Struct):
    """Documents like one, best first."""

    id: Annotated[str, Meta(description="The document that was asked for.")]
    hits: Annotated[list[HitAnswer], Meta(description="Best first, without itself.")]


class RankAnswer(msgspec.Struct):
    """The caller's candidates, best first; ``unknown`` are ids that no document has."""

    hits: Annotated[list[HitAnswer], Meta(description="Best first.")]
    unknown: Annotated[list[str], Meta(description="Ids that no document has.")]
    generation: Annotated[str, Meta(description="The index that answered.")]
    model: Annotated[ModelRef | None, Meta(description="What ordered the hits; null: BM25F.")]


class Refused(msgspec.Struct):
    """An event that was not counted, by its place in the batch."""

    index: Annotated[int, Meta(description="Place in the batch, from 0.")]
    code: Annotated[str, Meta(description="One of the error codes.")]
    message: Annotated[str, Meta(description="What was expected and found.")]


class EventsAnswer(msgspec.Struct):
    """What became of the events; those accepted are durable."""

    accepted: Annotated[int, Meta(description="Events that are on disk now.")]
    refused: Annotated[list[Refused], Meta(description="Events that were not counted.")]
    duplicates: Annotated[int, Meta(description="Accepted events that were there already.")] = 0


class Status(msgspec.Struct):
    """A state in one word."""

    status: Annotated[str, Meta(description="Such as `ok`.")]


class ReadyAnswer(msgspec.Struct):
    """Whether searches are answered at full speed; ``waiting_for`` says what is missing."""

    status: Annotated[str, Meta(description="`ready` or `waiting`.")]
    generation: Annotated[str, Meta(description="The index that is open; null: none.")] | None
    waiting_for: Annotated[list[str], Meta(description="What is missing until searches are fast.")]


class ReloadAnswer(msgspec.Struct):
    """What is served now."""

    generation: Annotated[str, Meta(description="The index that is open now.")]
    model: Annotated[ModelRef | None, Meta(description="The model that serves now.")]
    changed: Annotated[bool, Meta(description="Whether either is new.")]


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

    active: Annotated[ModelRef | None, Meta(description="The one that serves; null: none.")]
    models: Annotated[list[dict[str, Any]], Meta(description="Cards of all versions; a damaged one says so.")]


class Task(msgspec.Struct):
    """A change this server carried out; times in ISO 8601."""

    uid: Annotated[int, Meta(description="Its number.")]
    status: Annotated[Literal["processing", "succeeded", "failed"], Meta(description="How far it is.")]
    type: Annotated[str, Meta(description="Such as `documents_upsert` or `merge`.")]
    enqueued_at: Annotated[str, Meta(description="When it was asked for.")]
    started_at: Annotated[str, Meta(description="When work on it began.")]
    finished_at: Annotated[str, Meta(description="When it ended; null: not yet.")] | None
    error: Annotated[str, Meta(description="Why it failed; null: it did not.")] | None


class TasksAnswer(msgspec.Struct):
    """The latest changes, newest first."""

    tasks: Annotated[list[Task], Meta(description="Newest first.")]
