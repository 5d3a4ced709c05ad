"""The engine: a query in, a page of results out.

    search = parse >> plan >> retrieve (or sort) >> rerank >> hits >> log      (or: an answer that was kept >> log)

Every search works on one snapshot, taken at its start, so an answer never mixes generations or models. The engine is safe to share between threads.
"""

import os
import secrets
import threading
import time
from collections.abc import Callable, Collection, Sequence
from typing import Any, Self

import numpy as np
import structlog

from indexer.errors import SearchdError
from indexer.home import Home
from ranker.exploration import Exploration
from searchd.answering import Answer, Wanted, answer_of
from searchd.correction import MAX_TYPOS
from searchd.damage import PartialAnswer, Undamaged, without_damage
from searchd.explanations import Explanation
from searchd.facets import MAX_FACETS
from searchd.hits import Hit
from searchd.kept_answers import KeptAnswers, keepable, state_of
from searchd.parts import difference
from searchd.plan import Plan, make_plan, plain_plan, wish_of
from searchd.query import parse_query
from searchd.ranking import ModelRef, Ranking, Total, model_ref, top_phrases
from searchd.results import (
    Exploring,
    Result,
    Shown,
    explained_documents,
    page_of,
    ranked_page,
    ranking_of,
    score_documents,
)
from searchd.snapshot import Snapshot, Watched, open_snapshot, refreshed_snapshot
from searchd.sorting import parse_sort
from searchd.stages import Watch, lap, stopwatch
from searchd.suggest import Completions, complete, suggest
from searchd.trials import Drafting, trial_of

MAX_WINDOW = 1000
MODES = ("or", "and")
WARM_QUERY = "search engine"
RETRIEVAL_MODES = (*MODES, "phrase")
log = structlog.get_logger("searchd.engine")

__all__ = ["BadRequest", "Engine", "Explanation", "Hit", "ModelRef", "Ranking", "Result", "Total", "UnknownDocument"]


class BadRequest(SearchdError):
    """An argument of a search that is out of its range."""

    code = "invalid_parameter"


class UnknownDocument(SearchdError):
    """No live document has this id."""

    code = "document_not_found"


class Engine:
    """Searches one home; ``click_log`` (a ``ranker.clicklog.ClickLog``) receives an impression of every search, ``secret`` signs query ids.

    Raises the index's errors (NoIndex, Corrupt, ...) when it cannot be opened.
    """

    def __init__(
        self,
        home: Home | str | os.PathLike[str] | None = None,
        click_log: Any = None,
        secret: bytes | None = None,
        exploration: Exploration | None = None,
    ) -> None:
        """``exploration``: how often logged searches try another order; see ``ranker.exploration``."""
        self.home = home if isinstance(home, Home) else Home.at(home)
        self.click_log = click_log
        self._secret = secret
        self._exploration = exploration
        self._lock = threading.Lock()
        self._at_once: Callable[[], bool] | None = None
        self._opener = threading.Lock()
        self._watched = Watched(self.home)
        self._signature = self._watched.signature()
        self.undamaged = Undamaged()
        self._kept: KeptAnswers | None = None
        self._snapshot = open_snapshot(self.home)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the index and end what goes on in the background; searches that are under way end well."""
        self._snapshot.suggestions.close()
        self._snapshot.han_words.close()
        self._snapshot.query_terms.subwords.close()
        if self.click_log is not None:
            self.click_log.flush()

    def wait_for_nothing(self) -> None:
        """From now on no search waits until the tables of a large dictionary are made: it does without, or with those of an older generation."""
        self._snapshot.query_terms.subwords.in_background = True

    def share_tables(self, maker: Any) -> None:
        """From now on the tables of large collections are made by a ``TableMaker``, for all processes of a service."""
        self._snapshot.suggestions.maker = self._snapshot.han_words.maker = maker

    def keep_answers(self, most: int, made_of: Callable[[list[Hit]], bytes]) -> None:
        """From now on up to ``most`` bytes of answers are kept for whoever asks the same again; see ``kept_answers.py``. 0: none.

        ``made_of``: what callers make of the hits, which is kept with them.
        """
        self._kept = KeptAnswers(most, made_of) if most else None

    def open_behind(self, at_once: Callable[[], bool]) -> None:
        """From now on a search that meets something new goes on with what is open, while a thread opens the new and makes it ready.

        Unless ``at_once()``: then it waits, as it does without this.
        """
        self._at_once = at_once

    # What is open now.

    @property
    def opened(self) -> Snapshot:
        """What searches read last, without a look at what was published since."""
        return self._snapshot

    @property
    def index(self) -> Any:
        """The index of the current snapshot."""
        return self._snapshot.index

    @property
    def feature_fingerprint(self) -> str:
        """Fingerprint of the features that ``rank`` gives without a model."""
        return str(self._snapshot.default_features.fingerprint)

    def model_name(self) -> str:
        """``name/version`` of the active model, "" for none."""
        ref = model_ref(self._snapshot.model)
        return "" if ref is None else f"{ref.name}/{ref.version}"

    def snapshot(self) -> Snapshot:
        """What is published now, opened if it is new (see ``open_behind``); also a context manager."""
        if self._at_once is None or self._at_once():
            self.reload_if_changed()
        elif self._watched.signature() != self._signature and self._opener.acquire(blocking=False):
            threading.Thread(target=self._open_behind, name="opener", daemon=True).start()
        return self._snapshot

    def searched(self) -> Snapshot:
        """What searches read: the same without the parts that turned out damaged."""
        return self.undamaged.of(self.snapshot())

    def _open_behind(self) -> None:
        try:
            self.reload_if_changed()
        finally:
            self._opener.release()

    def reload_if_changed(self) -> bool:
        """Swap in what was published or activated since; True if something was. What cannot be opened is logged and the old stays."""
        if self._watched.signature() == self._signature:
            return False
        with self._lock:
            found = self._watched.signature()
            if found == self._signature:
                return False
            try:
                fresh = refreshed_snapshot(self.home, self._snapshot)
                if self._at_once is not None:
                    # The first plan of a generation makes its lists of words spelt alike.
                    make_plan(parse_query(WARM_QUERY), fresh, "or")
                self._snapshot = fresh
            except SearchdError as error:
                log.warning("not reloaded", reason=str(error), code=error.code, generation=self._snapshot.generation)
                return False
            finally:
                # Remembered even if opening fails: one warning a publication, not one a search. Not before: who waits for the new must not miss it.
                self._signature = found
        log.info("reloaded", generation=self._snapshot.generation, model=self.model_name())
        return True

    # Retrieval alone.

    def retrieve(self, text: str, k: int = 10, mode: str = "or", minimum: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """The ``k`` best documents for plain words, int64[n] and float32[n], best first; no query syntax, no model, no log, no reload.

        ``mode`` "or": with any word; "and": with all; "phrase": side by side. ``minimum``: with at least so many of them, instead of "or" or "and".
        """
        snapshot = self._snapshot
        words = snapshot.query_terms.plain_words(text) if minimum is None and mode in RETRIEVAL_MODES else None
        if words is not None:
            return snapshot.retriever.top_words(words, k, mode)
        asked, (terms, weights) = snapshot.query_terms.asked(text)
        if mode == "or" and minimum is None:
            return snapshot.retriever.top(terms, weights, k)
        if mode == "phrase":
            return top_phrases(snapshot.query_terms.sequences(text), terms, weights, k, snapshot)
        if mode not in MODES:
            raise BadRequest(f"mode: expected or, and, phrase; found {mode!r}")
        required, minimum, mask = wish_of(text, asked, snapshot, mode, minimum)
        if minimum is not None:
            return snapshot.retriever.top_minimum(terms, weights, k, minimum, required, mask)
        return snapshot.retriever.top(terms, weights, k, "or" if required is None else "and", required, mask)

    def key(self, doc: int) -> str:
        """The caller's id of a document that ``retrieve`` returned."""
        return self._snapshot.index.key(int(doc))

    # Searching.

    @without_damage
    def search(
        self,
        q: str,
        limit: int = 10,
        offset: int = 0,
        filter: str | None = None,  # noqa: A002 - a name of the contract
        facets: Sequence[str] = (),
        sort: str | Sequence[str] | None = None,
        model: str | None = "active",
        explain: bool = False,
        fields: Collection[str] | None = None,
        highlight: bool = True,
        crop_length: int | None = 200,
        mode: str = "or",
        minimum_should_match: int | None = None,
        rerank_depth: int = 100,
        num_typos: int | None = None,
        locale: str = "",
        timeout_ms: float | None = None,
        log: bool | None = None,
        query_id: str | None = None,
        partial: str = "allow",
        **who: str | None,
    ) -> Result:
        """One page of results.

        ``minimum_should_match``: so many of the query's plain words must be there (all, if it has fewer), whatever the ``mode``.
        ``num_typos``: so many edits a word may be put right (0 to 2; None: by its length); see ``correction.py`` for when.
        ``locale`` is the query's language, such as ``en`` or ``zh-Hans``; without, the text tells. After ``timeout_ms`` retrieval stops
        and what comes next is left out (a model's order, the exact total, corrections, passages, facets), which ``partial`` and ``coverage`` tell.
        ``partial`` "deny": raise PartialAnswer, or Corrupt, instead of an answer from which something is missing.
        ``log`` None writes the search to the click log if the engine has one; ``who`` may name application, client_id, session_id, user_id.
        Raises SearchdError: query_too_long, bad_filter, unknown_field, bad_sort, unknown_model, invalid_parameter.
        """
        started = time.perf_counter()
        _check(limit, offset, mode, rerank_depth, facets, minimum_should_match, num_typos)
        with stopwatch(timeout_ms) as watch:
            snapshot = self.snapshot() if partial == "deny" else self.searched()
            lap("open")
            keys = tuple(parse_sort(sort, snapshot.columns)) if sort else ()
            logged = self.click_log is not None and log is not False
            query_id = query_id or self._new_query_id()
            tried = logged and not keys and model == "active" and not explain
            unit = who.get("session_id") or who.get("client_id") or ""
            trial = trial_of(snapshot, self._exploration, unit, query_id, q) if tried else None
            shown = Shown(None if fields is None else frozenset(fields), highlight, crop_length, explain)
            wanted = Wanted(
                q, limit, offset, filter or "", tuple(facets), keys, model, shown, mode, minimum_should_match, rerank_depth, num_typos, locale,
                logged or explain,
            )  # fmt: skip
            found = self._answer(wanted, snapshot, trial, watch)
            if partial == "deny" and watch.left_out:
                raise PartialAnswer(f"expected a whole answer, found no time for {', '.join(sorted(watch.left_out))}; raise timeout_ms")
            result = _result_of(found, query_id, snapshot, watch)
            if logged:
                from searchd.impressions import impression_of

                self.click_log.log_query(impression_of(result, found.page, wanted, who))
            lap("log")
        return result._replace(took=(time.perf_counter() - started) * 1000)

    def _answer(self, wanted: Wanted, snapshot: Snapshot, trial: Drafting | Exploring | None, watch: Watch) -> Answer:
        """The answer, or the one that was kept."""
        if self._kept is None or trial is not None or not keepable(wanted):
            return answer_of(wanted, snapshot, trial)
        state = state_of(snapshot)
        found = self._kept.get(wanted, state)
        if found is None:
            found = answer_of(wanted, snapshot, None)
            return found if watch.left_out else self._kept.keep(wanted, state, found)
        lap("kept")
        return found

    def _plan(self, q: str, snapshot: Snapshot) -> Plan:
        return make_plan(parse_query(q, snapshot.query_fields), snapshot, "or")

    def rank(self, q: str, depth: int = 100, model: str | None = "active", features: bool = True, rerank_depth: int = 100) -> Ranking:
        """The first ``depth`` documents for a text, with the rows that were scored (without a model: those of the default features).

        For runs, simulation and training, whose queries are texts of any length: there is no query syntax here.
        """
        snapshot = self.snapshot()
        plan = plain_plan(q, snapshot, "or")
        page = ranked_page(plan, snapshot, snapshot.choose_model(model), depth, 0, rerank_depth, features, counted=False)
        return ranking_of(page, snapshot)

    def rank_documents(self, q: str, keys: Sequence[str], model: str | None = "active") -> tuple[Ranking, list[str]]:
        """The caller's own candidates in the model's order, and the keys that no document has."""
        snapshot = self.snapshot()
        chosen, plan = snapshot.choose_model(model), self._plan(q, snapshot)
        located = {key: snapshot.index.doc(key) if key else -1 for key in dict.fromkeys(keys)}
        wanted = np.array([doc for doc in located.values() if doc >= 0], np.int64)
        page = page_of(plan, snapshot, *score_documents(plan, snapshot, wanted), chosen)
        return ranking_of(page, snapshot), [key for key, doc in located.items() if doc < 0]

    def explain(self, key: str, q: str, model: str | None = "active", rerank_depth: int = 100) -> Explanation:
        """Why a document has its score for a query; raises UnknownDocument. Outside of what a model orders it is scored as if it came last."""
        return self._explained([key], q, model, rerank_depth)[0]

    def compare(
        self, key: str, than: str, q: str, model: str | None = "active", rerank_depth: int = 100
    ) -> tuple[Explanation, Explanation, list[dict[str, Any]]]:
        """Why one document stands above (or below) another: both explained in one list, and by how much each feature tells them apart.

        The differences sum to that of the scores where a model ranks; without one they are those of the terms of BM25F.
        """
        first, second = self._explained([key, than], q, model, rerank_depth)
        return first, second, difference(first.explanation, second.explanation)

    def _explained(self, keys: Sequence[str], q: str, model: str | None, rerank_depth: int) -> list[Explanation]:
        snapshot = self.snapshot()
        docs = [snapshot.index.doc(key) if key else -1 for key in keys]
        for key, doc in zip(keys, docs):
            if doc < 0:
                raise UnknownDocument(f"expected the id of a document, found {key[:100]!r}; it may have been deleted")
        plan = self._plan(q, snapshot)
        return explained_documents(plan, snapshot, snapshot.choose_model(model), np.array(docs, np.int64), rerank_depth)

    def suggest(self, q: str, limit: int = 8) -> list[tuple[str, int]]:
        """Ways to go on from what has been typed, best first, with the number of documents that have the completed word (0: not counted)."""
        return suggest(self.snapshot(), q, limit)

    def complete(self, q: str, limit: int = 8) -> Completions:
        """The same, and what was probably meant where nothing begins so."""
        return complete(self.snapshot(), q, limit)

    # The click log.

    def _new_query_id(self) -> str:
        from ranker.query_ids import issue_query_id, load_secret

        if self._secret is None:
            # Without a log nobody will ask for the id again, and searching must not write into a home.
            self._secret = load_secret(self.home) if self.click_log is not None else secrets.token_bytes(32)
        return issue_query_id(self._secret)


def _result_of(found: Answer, query_id: str, snapshot: Snapshot, watch: Watch) -> Result:
    page, index = found.page, snapshot.index
    fingerprint = "" if page.featureset is None else str(page.featureset.fingerprint)
    partial, coverage = bool(watch.left_out) or bool(index.missing), watch.coverage * index.coverage
    return Result(
        query_id, 0.0, page.total, found.hits, found.facets, snapshot.generation, model_ref(page.model), found.meant, found.shown_instead,
        partial, coverage, page.ranked.features, fingerprint, watch.seconds, found.made,
    )  # fmt: skip


def _check(
    limit: int, offset: int, mode: str, rerank_depth: int, facets: Sequence[str], minimum: int | None, num_typos: int | None
) -> None:
    if minimum is not None and minimum < 1:
        raise BadRequest(f"minimum_should_match: expected 1 or more, found {minimum}")
    if num_typos is not None and not 0 <= num_typos <= MAX_TYPOS:
        raise BadRequest(f"num_typos: expected 0 to {MAX_TYPOS}, found {num_typos}")
    if limit < 0 or offset < 0 or limit + offset > MAX_WINDOW:
        raise BadRequest(f"limit and offset: expected 0 or more and offset + limit at most {MAX_WINDOW}, found {limit} and {offset}")
    if mode not in MODES:
        raise BadRequest(f"mode: expected one of {', '.join(MODES)}, found {mode!r}")
    if not 1 <= rerank_depth <= MAX_WINDOW:
        raise BadRequest(f"rerank_depth: expected 1 to {MAX_WINDOW}, found {rerank_depth}")
    if isinstance(facets, str) or len(facets) > MAX_FACETS:
        raise BadRequest(f"facets: expected a list of at most {MAX_FACETS} fields, found {facets!r:.100}")
