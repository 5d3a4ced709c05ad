"""What the commands do, from files of a home to files of a home: each job opens, calls the library once or twice, and publishes."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from indexer.errors import SearchdError
from indexer.home import Home
from ranker.clicklog import ClickLog
from ranker.dataset import from_clicks, from_judgments
from ranker.evaluate import evaluate_log
from ranker.features import FEATURES
from ranker.featureset import COLUMN, FeatureSet
from ranker.judged import read_judgments, read_queries
from ranker.letor import read_letor, write_letor
from ranker.model import Trained, replace_model, require_free
from ranker.registry import Registry
from ranker.relevance import estimate_relevance
from ranker.sessions import ClickData, read_clicks
from ranker.train import train, train_from_clicks
from ranker.training_set import NothingToLearn


class Harmful(SearchdError):
    """A model that did worse than no model on queries it had not seen."""

    code = "harmful_model"


class Done(NamedTuple):
    """A published model."""

    name: str
    version: str
    card: dict[str, Any]


def train_on_judgments(
    engine: Any, home: Home, queries: Path, judgments: Path, family: str, name: str, seed: int = 0, jobs: int = 1
) -> Done:
    """Learn from people's grades and publish."""
    texts = read_queries(queries)
    data = from_judgments(engine, texts, read_judgments(judgments, texts), seed=seed)
    trained, card = train(data, family, seed, jobs)
    return _published(home, trained, {**card, "source": "judgments", "generation": engine.index.generation}, name)


def train_on_clicks(engine: Any, home: Home, family: str, name: str, seed: int = 0, jobs: int = 1) -> Done:
    """Learn from the click log and publish."""
    data = logged_clicks(home, FeatureSet.default(engine.index.schema))
    targets = estimate_relevance(data, seed=seed)
    trained, card = train_from_clicks(from_clicks(data, targets, engine, seed=seed), targets, data.num_sessions, family, seed, jobs)
    return _published(home, trained, {**card, "source": "clicks", "generation": engine.index.generation}, name)


def train_on_letor(letor: Path, family: str, output: Path, overwrite: bool = False, seed: int = 0, jobs: int = 1) -> dict[str, Any]:
    """Learn from a file and write the model into a folder; returns the card. Raises FolderInUse, before any work."""
    require_free(output, overwrite)
    trained, card = train(read_letor(letor), family, seed, jobs)
    card = {**card, "source": "letor", "file": letor.name}
    replace_model(output, trained, card, overwrite)
    return card


def activate_if_harmless(home: Home, done: Done) -> tuple[str, str]:
    """Serve a fresh model; raises Harmful if it lost on held-out queries, or there were none."""
    gain = (done.card.get("heldout") or {}).get("gain")
    if gain is None:
        raise Harmful(
            f"expected a gain on held-out queries, found too few queries to hold any out; {done.name} {done.version} is published, not "
            "active: gather more data, or run `ranker models activate` if you know better"
        )
    if gain < 0:
        raise Harmful(
            f"expected a gain on held-out queries, found {gain:+.4f}; {done.name} {done.version} is published, not active: "
            "gather more data, or run `ranker models activate` if you know better"
        )
    return Registry(home).activate(done.name, done.version)


def evaluate_clicks(engine: Any, home: Home, names: Sequence[str], seed: int = 0) -> list[dict[str, Any]]:
    """Counterfactual estimates for the models named, or for all of the home."""
    chosen = names or Registry(home).names()
    return evaluate_log(engine, logged_clicks(home, FeatureSet.default(engine.index.schema)), chosen, seed)


def export_features(engine: Any, home: Home, queries: Path | None, judgments: Path | None, output: Path, seed: int = 0) -> dict[str, Any]:
    """Write the training set of judgments, or of the click log, as LETOR; returns what was written."""
    if queries is not None and judgments is not None:
        texts = read_queries(queries)
        data = from_judgments(engine, texts, read_judgments(judgments, texts), seed=seed)
    else:
        clicked = logged_clicks(home, FeatureSet.default(engine.index.schema))
        data = from_clicks(clicked, estimate_relevance(clicked, seed=seed), engine, seed=seed)
    write_letor(output, data)
    return {"queries": len(data.group), "rows": len(data), "features": list(data.features.names)}


def feature_list(home: Home) -> Iterator[tuple[str, str]]:
    """(name, meaning) of each feature, the columns of the home's schema last."""
    for name, function in FEATURES.items():
        yield name, (function.__doc__ or "").strip().split("\n")[0]
    if home.current.exists():
        from indexer.index import Index

        with Index.open(home) as index:
            columns = [name for name in FeatureSet.default(index.schema).names if name.startswith(COLUMN)]
        yield from ((name, "Column of the schema, as it is.") for name in columns)


def logged_clicks(home: Home, features: FeatureSet) -> ClickData:
    """The click log of a home, as far as it has vectors of these features; raises NothingToLearn without a log."""
    if not home.clicks.exists():
        raise NothingToLearn(f"expected a click log at {home.clicks}, found none; serve searches, import clicks, or simulate")
    with ClickLog(home.clicks) as log:
        return read_clicks(log, features.fingerprint)


def _published(home: Home, trained: Trained, card: dict[str, Any], name: str) -> Done:
    return Done(name, Registry(home).publish(trained, card, name), card)
