"""``/v1/documents``: store, read, replace, delete, and what is similar."""

from typing import Any

from flask import Blueprint
from werkzeug.wrappers import Response

from searchd.answers import ChangeAnswer, DocumentAnswer, SimilarAnswer
from searchd.changes import change, read_documents
from searchd.errors_http import HttpProblem
from searchd.params import DOCUMENTS_BODY, ChangeParams, SimilarParams, read_query_string
from searchd.responses import json_response
from searchd.routing import Operation, route
from searchd.service import service
from searchd.similar import similar_hits, stored_document

blueprint = Blueprint("documents", __name__)
_MANY = Operation(
    "documents",
    "Add or replace documents",
    ChangeParams,
    list[dict[str, Any]],
    ChangeAnswer,
    max_body=DOCUMENTS_BODY,
    tag="documents",
    many=True,
    example=[{"id": "example-1", "title": "A first document"}],
)
_PUT = Operation(
    "documents",
    "Add or replace one document",
    ChangeParams,
    dict,
    ChangeAnswer,
    max_body=DOCUMENTS_BODY,
    tag="documents",
    example={"title": "A first document"},
)
_DELETE = Operation("documents", "Delete one document", ChangeParams, None, ChangeAnswer, tag="documents")


@route(blueprint, "/v1/documents", ("POST",), _MANY)
def post_documents() -> Response:
    """Add or replace all documents of the body, or none of them when one is bad."""
    refresh = read_query_string(ChangeParams).refresh
    documents = read_documents()
    return json_response(change(service(), "documents_upsert", documents, [], refresh))


@route(
    blueprint,
    "/v1/documents/<path:key>",
    ("GET",),
    Operation("search", "One stored document", None, None, DocumentAnswer, tag="documents", cached=True),
)
def get_document(key: str) -> Response:
    """The document as it was stored."""
    svc = service()
    svc.engine.reload_if_changed()
    return json_response(DocumentAnswer(key, stored_document(svc.engine.index, key)))


@route(blueprint, "/v1/documents/<path:key>", ("PUT",), _PUT)
def put_document(key: str) -> Response:
    """Add or replace the document of this id; an id inside the body must be the same."""
    refresh = read_query_string(ChangeParams).refresh
    svc, documents = service(), read_documents()
    id_field = svc.engine.index.schema.id_field
    if len(documents) != 1 or str(documents[0].setdefault(id_field, key)) != key:
        raise HttpProblem(400, "invalid_document", f"expected one JSON object whose {id_field} is absent or {key[:100]!r}")
    return json_response(change(svc, "documents_upsert", documents, [], refresh))


@route(blueprint, "/v1/documents/<path:key>", ("DELETE",), _DELETE)
def delete_document(key: str) -> Response:
    """Delete the document of this id; 404 when there is none."""
    refresh = read_query_string(ChangeParams).refresh
    svc = service()
    svc.engine.reload_if_changed()
    stored_document(svc.engine.index, key)
    return json_response(change(svc, "documents_delete", [], [key], refresh))


@route(
    blueprint,
    "/v1/documents/<path:key>/similar",
    ("GET",),
    Operation("search", "Documents like this one", SimilarParams, None, SimilarAnswer, tag="documents", cached=True),
)
def get_similar(key: str) -> Response:
    """Other documents that share this one's rarest terms."""
    svc = service()
    svc.engine.reload_if_changed()
    return json_response(SimilarAnswer(key, similar_hits(svc.engine, key, read_query_string(SimilarParams).limit)))
