"""A client of the service: every route as a method with typed answers, over one pool of connections.

    with searchd.Client("http://127.0.0.1:8000", key="...") as client:
        answer = client.search("机器学习 python", limit=5)
        client.click(answer.query_id, answer.hits[0].id, 1)

What may be done twice is tried again when the server is busy, restarting or not heard (``client_retries``); events carry ids, so that a click
counts once however often it was sent. Errors are those of ``client_errors``. No engine is imported. ``client_async``: the same with ``await``.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, Self, TypeVar, Unpack

import httpx

import searchd.answers as answers
import searchd.client_calls as calls
from searchd.client_batches import Added, Batches, Document, Progress, explained_stop
from searchd.client_errors import TaskUnfinished
from searchd.client_events import Sent, click_event, event_batches, impression_events
from searchd.client_options import SearchOptions, Who
from searchd.client_retries import Call, Tries
from searchd.client_settings import DEFAULT_URL, ClientOptions, connection_of, limits_of

T = TypeVar("T")


class Client:
    """Calls one server; thread-safe; a context manager. ``options``: see ``ClientOptions``. Every method raises ``ClientError``."""

    def __init__(self, base_url: str = DEFAULT_URL, **options: Unpack[ClientOptions]) -> None:
        self._connection = connection_of(base_url, **options)
        self._http = httpx.Client(limits=limits_of(options))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    # Searching.

    def search(self, q: str = "", **options: Unpack[SearchOptions]) -> answers.SearchAnswer:
        """One page of results."""
        return self._send(calls.search(q, options))

    def suggest(self, q: str, limit: int = 8) -> answers.SuggestAnswer:
        """Ways to go on from what has been typed."""
        return self._send(calls.suggest(q, limit))

    def analyze(self, text: str, field: str | None = None) -> answers.AnalyzeAnswer:
        """The tokens of a text, as the index has them."""
        return self._send(calls.analyze(text, field))

    def explain(self, id: str, q: str, model: str | None = None, than: str | None = None) -> answers.ExplainAnswer:  # noqa: A002
        """Why a document has its score for a query, and ``than`` which it stands above or below."""
        return self._send(calls.explain(id, q, model, than))

    def rank(self, q: str, ids: Sequence[str], model: str | None = None, explain: bool = False) -> answers.RankAnswer:
        """The caller's own candidates in the order of a model."""
        return self._send(calls.rank(q, ids, model, explain))

    # Documents.

    def add_documents(
        self, documents: Iterable[Document], *, batch: int = 1000, refresh: bool = False, progress: Progress | None = None
    ) -> Added:
        """Add or replace documents from any iterable, ``batch`` a request; ``progress`` is called with the sum after each.

        All documents of a request are taken or none. Where one is refused the earlier requests stay, as a note of the error says.
        """
        done, batches = Added(), Batches(batch)
        for document in documents:
            if body := batches.add(document):
                done = self._add(body, refresh, done, progress)
        rest = batches.rest()
        return self._add(rest, refresh, done, progress) if rest else done

    def _add(self, body: bytes, refresh: bool, done: Added, progress: Progress | None) -> Added:
        with explained_stop(done):
            answer = self._send(calls.add_documents(body, refresh))
        return done.with_(answer, progress)

    def get_document(self, id: str) -> dict[str, Any]:  # noqa: A002
        """A document as it is stored; raises NotFound."""
        return self._send(calls.get_document(id)).document

    def put_document(self, id: str, document: Document, *, refresh: bool = False) -> answers.ChangeAnswer:  # noqa: A002
        """Add or replace the document of this id."""
        return self._send(calls.put_document(id, document, refresh))

    def delete_document(self, id: str, *, refresh: bool = False) -> answers.ChangeAnswer:  # noqa: A002
        """Delete the document of this id; raises NotFound, unless an unheard try of this call deleted it (``deleted`` is then 0)."""
        return self._send(calls.delete_document(id, refresh))

    def similar(self, id: str, limit: int = 10) -> answers.SimilarAnswer:  # noqa: A002
        """Documents like one."""
        return self._send(calls.similar(id, limit))

    # What users do.

    def send_events(self, events: Iterable[Mapping[str, Any]]) -> answers.EventsAnswer:
        """Send UBI 1.3 events, any number; ids and times are filled in. Those accepted are durable; raises InvalidRequest for a lone bad one."""
        sent = Sent()
        for body in event_batches(events):
            sent.add(body, self._send(calls.events(body)))
        return sent.answer

    def click(self, query_id: str, object_id: str, position: int, **who: Unpack[Who]) -> answers.EventsAnswer:
        """Tell that the result at ``position`` (from 1) of a search was clicked; a result of a search counts once."""
        return self.send_events([click_event(query_id, object_id, position, who)])

    def impression(self, query_id: str, object_ids: Sequence[str], first: int = 1, **who: Unpack[Who]) -> answers.EventsAnswer:
        """Tell that results of a search were seen, the first of them at rank ``first``."""
        return self.send_events(impression_events(query_id, object_ids, first, who))

    def query(self, query_id: str) -> answers.QueryAnswer:
        """What was shown for a search, and how often what was done with it."""
        return self._send(calls.query(query_id))

    # Operations.

    def models(self) -> answers.ModelsAnswer:
        """Published models, and the one that serves."""
        return self._send(calls.models())

    def activate(self, name: str, version: str | None = None, *, force: bool = False) -> answers.ReloadAnswer:
        """Let a model serve (the newest version, if none is named), unless it is known to do harm."""
        return self._send(calls.activate(name, version, force))

    def rollback(self) -> answers.ReloadAnswer:
        """Return to the model before; never sent twice."""
        return self._send(calls.rollback())

    def reload(self) -> answers.ReloadAnswer:
        """Let the server look for a new index or model now."""
        return self._send(calls.reload())

    def stats(self) -> answers.StatsAnswer:
        """Sizes and counts."""
        return self._send(calls.stats())

    def tasks(
        self,
        limit: int = 100,
        status: Literal["processing", "succeeded", "failed"] | None = None,
        type: str | None = None,  # noqa: A002 - the API's name
    ) -> answers.TasksAnswer:
        """The latest changes, newest first."""
        return self._send(calls.tasks(limit, status, type))

    def task(self, uid: int) -> answers.Task:
        """One change."""
        return self._send(calls.task(uid))

    def wait_for_task(self, uid: int, timeout: float = 60.0, interval: float = 0.1) -> answers.Task:
        """The task once it has succeeded or failed (which its ``error`` tells); raises TaskUnfinished after ``timeout`` seconds."""
        end = time.monotonic() + timeout
        while (found := self.task(uid)).status == "processing":
            if time.monotonic() > end:
                raise TaskUnfinished(f"task {uid}: expected an end within {timeout:g} s, found it processing; wait longer")
            time.sleep(interval)
        return found

    def health(self) -> answers.Status:
        """Whether the process answers."""
        return self._send(calls.health())

    def ready(self) -> answers.ReadyAnswer:
        """Whether searches are answered at full speed, and what is missing."""
        return self._send(calls.ready())

    def _send(self, call: Call[T]) -> T:
        tries = Tries(call, self._connection)
        while True:
            try:
                response = self._http.send(tries.request(self._http))
            except httpx.RequestError as error:
                time.sleep(tries.lost(error))
                continue
            pause = tries.again_after(response)
            if pause is None:
                return tries.answer(response)
            time.sleep(pause)
