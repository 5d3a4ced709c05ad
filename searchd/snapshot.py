"""One consistent view of a home: index, retriever and active model, swapped as a whole and never changed.

A search takes the snapshot once and uses nothing else, so no answer mixes two generations. An old snapshot is not closed: it goes away with the last
search that holds it.
"""

import os
import threading
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import structlog

from indexer.analysis import QueryTerm
from indexer.errors import SearchdError
from indexer.folding import fold
from indexer.home import Home
from indexer.index import Index
from indexer.publish import current_generation
from ranker.experiments import Experiment, Experiments
from ranker.featureset import FeatureSet
from ranker.own_features import BadFeatures
from ranker.registry import Registry
from searchd.columns import Columns
from searchd.han_words import LazyHanWords
from searchd.query_terms import WORD, QueryTerms
from searchd.retrieval import Retriever
from searchd.spelling import Spellings
from searchd.subwords import Subwords
from searchd.suggestions import Suggestions
from searchd.synonyms import SYNONYMS, Sides, Synonyms, read_rules

log = structlog.get_logger("searchd.snapshot")
Stat = tuple[int, int, int] | None
Signature = tuple[Stat, ...]


class Snapshot:
    """What a search reads. ``model`` is the active one, None when there is none or it cannot be used (then ``model_error`` says why)."""

    def __init__(
        self,
        index: Index,
        model: Any = None,
        model_error: SearchdError | None = None,
        older: "Snapshot | None" = None,
        rules: Sequence[tuple[Sides, Sides]] = (),
        before: "Snapshot | None" = None,
        experiment: Experiment | None = None,
    ) -> None:
        """``older`` is a snapshot of the same index, whose parts are shared, ``before`` one of another generation; ``rules`` are the synonyms'."""
        self.index, self.model, self.model_error = index, model, model_error
        self.generation = index.generation
        self.experiment = experiment
        self.retriever: Retriever = older.retriever if older else Retriever(index)
        self.query_terms: QueryTerms = (
            older.query_terms if older else QueryTerms(index, Subwords(index, before.query_terms.subwords if before else None))
        )
        self.columns: Columns = older.columns if older else Columns(index)
        self.han_words: LazyHanWords = older.han_words if older else LazyHanWords(index, before.han_words if before else None)
        earlier: Suggestions | None = before.suggestions if before else None
        self.suggestions: Suggestions = older.suggestions if older else Suggestions(index, self.query_terms, earlier)
        self.rules = rules
        same = older is not None and older.rules is rules
        self.synonyms: Synonyms = older.synonyms if same else Synonyms(rules, self.query_terms.words_analyzer)  # type: ignore[union-attr]
        self._lock = threading.Lock()
        self._models: dict[str, Any] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing to release: the last holder lets the files go."""

    @cached_property
    def live(self) -> np.ndarray:
        """bool[max_doc]: documents that are not deleted. Shared, do not change."""
        parts = [np.ones(s.num_docs, np.bool_) if s.live is None else s.live for s in self.index.segments]
        return np.concatenate(parts) if parts else np.zeros(0, np.bool_)

    @cached_property
    def spellings(self) -> Spellings:
        """How the documents spell the words of a stem."""
        return Spellings(self)

    @cached_property
    def query_fields(self) -> frozenset[str]:
        """Names that may stand before a colon in a query."""
        return frozenset(self.query_terms.fields) | frozenset(self.columns.kinds)

    @cached_property
    def default_features(self) -> Any:
        """The feature set that is logged when no model asks for its own; without the home's own features when those cannot be used."""
        try:
            return FeatureSet.default(self.index.schema)
        except BadFeatures as error:
            log.warning("own features not used", reason=str(error))
            return FeatureSet.default(replace(self.index.schema, features={}))

    def choose_model(self, name: str | None) -> Any:
        """The model to rank with, None for retrieval's own order; raises what the registry raises for a model asked for by name.

        An active model that cannot be used never stops the search box: retrieval's own order is served, the log and ``searchd doctor`` say why.
        """
        if name is None or name == "none":
            return None
        if name == "active":
            return self.model
        if "/" not in name:
            # The newest version now, which may be younger than this snapshot.
            name = "/".join([name, *Registry(self.index.home).versions(name)[-1:]])
        with self._lock:
            if name not in self._models:
                self._models[name] = load_model(self.index, name)
            return self._models[name]

    def with_prefix(self, prefix: str, limit: int) -> list[tuple[str, int]]:
        """Terms of the dictionary that begin with ``prefix`` (which may carry a stream's tag) and their df, commonest first."""
        found: dict[str, int] = {}
        for segment in self.index.segments:
            for term, df in segment.prefix(prefix, limit):
                found[term] = found.get(term, 0) + df
        return sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))[:limit]

    def prefixes_of(self, text: str) -> list[str]:
        """A typed prefix as the dictionary would spell its beginning; none when it is no single word, such as Han text."""
        found = []
        for analyzer in self.query_terms.analyzers:
            if analyzer.name == "whitespace":
                found.append(text)
            elif [token.stream for token in analyzer.tokens(text)] == [WORD]:
                found.append(fold(text))
        return list(dict.fromkeys(found))

    def query_term(self, term: str, weight: float) -> Any:
        """A word of the dictionary as a query term, for features and highlights."""
        return QueryTerm(term, WORD, weight, 0, 0, 0)


class Watched:
    """The files that change when a generation is published, a model activated, the synonyms edited or an experiment begun.

    Every search asks for their signature, so their names are strings that were put together before.
    """

    def __init__(self, home: Home) -> None:
        files = home.current, home.models / "ACTIVE", home.lexicon / SYNONYMS, home.experiments / "RUNNING"
        self._files = tuple(map(str, files))

    def signature(self) -> Signature:
        """What tells two states apart: four stats, no reads."""
        return tuple(map(_stat, self._files))


def _stat(path: str) -> Stat:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size


def open_snapshot(home: Home) -> Snapshot:
    """Open what is published now; raises LexiconError for bad synonyms.

    A model that cannot be loaded is kept as an error, since the index can serve without it.
    """
    index = Index.open(home)
    return Snapshot(index, *_active(index), rules=read_rules(home.lexicon), experiment=_experiment(index))


def refreshed_snapshot(home: Home, old: Snapshot) -> Snapshot:
    """What is published now, sharing with ``old`` what is still the same; a new model that cannot be loaded leaves the old one in its place."""
    same = current_generation(home) == old.generation
    index = old.index if same else Index.open(home, older=old.index)
    model, problem = _active(index)
    if problem is not None and old.model is not None and same:
        log.warning("last good model kept", model=old.model.name)
        model, problem = old.model, None
    return Snapshot(
        index, model, problem, older=old if same else None, rules=_rules(home, old.rules), before=old, experiment=_experiment(index)
    )


def _rules(home: Home, old: Sequence[tuple[Sides, Sides]]) -> Sequence[tuple[Sides, Sides]]:
    """The synonyms of now; the very ``old`` ones when they are the same, or when the file cannot be used."""
    try:
        found = read_rules(home.lexicon)
    except SearchdError as error:
        log.warning("last good synonyms kept", reason=str(error), code=error.code)
        return old
    return old if found == list(old) else found


def _experiment(index: Index) -> Experiment | None:
    """The running experiment; None, and a warning, when one of its models cannot be used, for then it would judge something else."""
    try:
        found = Experiments(index.home).running()
        for name in found.models if found else ():
            if name != "none":
                load_model(index, name)
    except SearchdError as error:
        log.warning("experiment not run", reason=str(error), code=error.code)
        return None
    return found


def _active(index: Index) -> tuple[Any, SearchdError | None]:
    """The active model, or None; and why it cannot be loaded, or None."""
    if not (index.home.models / "ACTIVE").exists():
        return None, None
    try:
        return (load_model(index, "active") if Registry(index.home).active() else None), None
    except SearchdError as error:
        log.warning("active model not used", reason=str(error), code=error.code)
        return None, error


def load_model(index: Index, name: str) -> Any:
    """A model by ``name`` or ``name/version``; raises what the registry raises, and FeatureMismatch for a model of another schema."""
    name, _, version = name.partition("/")
    model = Registry(index.home).load(name, version or None)
    model.featureset.require(FeatureSet.default(index.schema), "this index")
    return model
