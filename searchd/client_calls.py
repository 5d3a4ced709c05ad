"""Every call of the API as data: what is sent, what is answered, and whether it may be done twice. The two clients only carry them out."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import msgspec

import searchd.answers as answers
from searchd.client_retries import Call

LINES = "application/x-ndjson"


def search(q: str, options: Mapping[str, Any]) -> Call[answers.SearchAnswer]:
    """A search; as a POST, so that a long query or filter has room."""
    return Call("POST", "/v1/search", answers.SearchAnswer, body=_body(q=q, **options))


def suggest(q: str, limit: int) -> Call[answers.SuggestAnswer]:
    """Completions."""
    return Call("GET", "/v1/suggest", answers.SuggestAnswer, {"q": q, "limit": limit})


def analyze(text: str, field: str | None) -> Call[answers.AnalyzeAnswer]:
    """Tokens."""
    return Call("POST", "/v1/analyze", answers.AnalyzeAnswer, body=_body(text=text, field=field))


def explain(key: str, q: str, model: str | None, than: str | None) -> Call[answers.ExplainAnswer]:
    """Why a document has its score."""
    return Call("GET", f"/v1/explain/{part(key)}", answers.ExplainAnswer, _given(q=q, model=model, than=than))


def rank(q: str, ids: Sequence[str], model: str | None, with_reasons: bool) -> Call[answers.RankAnswer]:
    """The caller's candidates, ordered."""
    return Call("POST", "/v1/rank", answers.RankAnswer, body=_body(q=q, ids=list(ids), model=model, explain=with_reasons))


def add_documents(lines: bytes, refresh: bool) -> Call[answers.ChangeAnswer]:
    """Documents, one a line."""
    return Call("POST", "/v1/documents", answers.ChangeAnswer, _refresh(refresh), lines, LINES, slow=True)


def get_document(key: str) -> Call[answers.DocumentAnswer]:
    """One document."""
    return Call("GET", f"/v1/documents/{part(key)}", answers.DocumentAnswer)


def put_document(key: str, document: Mapping[str, Any], refresh: bool) -> Call[answers.ChangeAnswer]:
    """One document in the place of what has its id."""
    return Call("PUT", f"/v1/documents/{part(key)}", answers.ChangeAnswer, _refresh(refresh), msgspec.json.encode(document), slow=True)


def delete_document(key: str, refresh: bool) -> Call[answers.ChangeAnswer]:
    """A deletion; one that an earlier, unheard try carried out is told as 0 deleted in an unknown generation."""
    gone = answers.ChangeAnswer(0, 0, "", 0)
    return Call("DELETE", f"/v1/documents/{part(key)}", answers.ChangeAnswer, _refresh(refresh), slow=True, once_done=gone)


def similar(key: str, limit: int) -> Call[answers.SimilarAnswer]:
    """Documents like one."""
    return Call("GET", f"/v1/documents/{part(key)}/similar", answers.SimilarAnswer, {"limit": limit})


def events(lines: bytes) -> Call[answers.EventsAnswer]:
    """Events that have ids, one a line: those make it repeatable. A batch of which nothing was good is an answer too."""
    return Call("POST", "/v1/events", answers.EventsAnswer, None, lines, LINES, also=(422,))


def query(query_id: str) -> Call[answers.QueryAnswer]:
    """What was shown for a search."""
    return Call("GET", f"/v1/queries/{part(query_id)}", answers.QueryAnswer)


def models() -> Call[answers.ModelsAnswer]:
    """Published models."""
    return Call("GET", "/v1/models", answers.ModelsAnswer)


def activate(name: str, version: str | None, force: bool) -> Call[answers.ReloadAnswer]:
    """Let a model serve; doing it twice is doing it once."""
    return Call("POST", f"/v1/models/{part(name)}/activate", answers.ReloadAnswer, body=_body(version=version, force=force), slow=True)


def rollback() -> Call[answers.ReloadAnswer]:
    """Return to the model before; twice would be one too many."""
    return Call("POST", "/v1/models/rollback", answers.ReloadAnswer, repeatable=False, slow=True)


def reload() -> Call[answers.ReloadAnswer]:
    """Look for what is published."""
    return Call("POST", "/v1/reload", answers.ReloadAnswer, slow=True)


def stats() -> Call[answers.StatsAnswer]:
    """Sizes and counts."""
    return Call("GET", "/v1/stats", answers.StatsAnswer)


def tasks(limit: int, status: str | None, kind: str | None) -> Call[answers.TasksAnswer]:
    """The latest changes."""
    return Call("GET", "/v1/tasks", answers.TasksAnswer, _given(limit=limit, status=status, type=kind))


def task(uid: int) -> Call[answers.Task]:
    """One change."""
    return Call("GET", f"/v1/tasks/{uid}", answers.Task)


def health() -> Call[answers.Status]:
    """Whether the process answers."""
    return Call("GET", "/health", answers.Status)


def ready() -> Call[answers.ReadyAnswer]:
    """Whether searches are answered at full speed; that they are not is an answer too."""
    return Call("GET", "/ready", answers.ReadyAnswer, also=(503,))


def part(text: str) -> str:
    """Text as one part of a path, whatever it is; dots alone would be taken for a way up."""
    return "%2E" * len(text) if text in (".", "..") else quote(text, safe="")


def _body(**values: Any) -> bytes:
    return msgspec.json.encode(_given(**values))


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _refresh(refresh: bool) -> dict[str, str] | None:
    return {"refresh": "true"} if refresh else None
