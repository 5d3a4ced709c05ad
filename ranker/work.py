"""What the commands do, from files of a home to files of a home: each job opens, calls the library once or twice, and publishes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from indexer.home import Home
from ranker.behaviour import MEANINGS, NAMES
from ranker.behaviour_training import untold, with_click_rates
from ranker.checkpoints import Checkpoints
from ranker.clicklog import ClickLog
from ranker.dataset import from_clicks, from_judgments, from_sessions
from ranker.evaluate import evaluate_log
from ranker.features import FEATURES, Feature
from ranker.featureset import COLUMN, FeatureSet
from ranker.gate import Harmful, activate
from ranker.judged import read_judgments, read_queries
from ranker.model import Trained, replace_model, require_free
from ranker.own_features import own_features
from ranker.registry import Registry
from ranker.relevance import Targets, estimate_relevance
from ranker.row_files import read_rows, write_rows
from ranker.sessions import ClickData, read_clicks
from ranker.train import NotEnoughClicks, Plan, train, train_from_clicks
from ranker.training_set import NothingToLearn, TrainingSet
from ranker.transfer_records import iso


class Done(NamedTuple):
    """A published model."""

    name: str
    version: str
    card: dict[str, Any]


class Clicked(NamedTuple):
    """The training set of a click log, the targets it was made with, the number of sessions, and what else the model card tells."""

    rows: TrainingSet
    targets: Targets
    sessions: int
    told: dict[str, Any] = {}


class Judged(NamedTuple):
    """Files of queries and judgments; mixed into clicks, a judged row counts ``weight`` times a clicked one."""

    queries: Path
    judgments: Path
    weight: float = 1.0


def train_on_judgments(engine: Any, home: Home, judged: Judged, plan: Plan, name: str) -> Done:
    """Learn from people's grades and publish."""
    data, plan = judged_rows(engine, judged, plan.seed), _resumable(plan, home.models / ".training" / name)
    trained, card = train(data, plan)
    return _published(home, trained, {**card, "source": "judgments", "generation": engine.index.generation}, name, plan)


def train_on_clicks(
    engine: Any, home: Home, plan: Plan, name: str, method: str = "default", judged: Judged | None = None, rates: bool = False
) -> Done:
    """Learn from the click log, with judged queries among the clicked ones if there are some, and publish."""
    plan = _resumable(plan, home.models / ".training" / name)
    clicked = clicked_rows(engine, home, plan.seed, method, rates)
    data = clicked.rows if judged is None else with_judged(clicked.rows, judged_rows(engine, judged, plan.seed), judged.weight)
    trained, card = train_from_clicks(data, clicked.targets, clicked.sessions, plan)
    about = {"source": "clicks", "generation": engine.index.generation, "window": _window(home), **clicked.told}
    return _published(home, trained, {**card, **about}, name, plan)


def _window(home: Home) -> list[str]:
    """The first and the last moment of the click log."""
    with ClickLog(home.clicks) as log:
        first, last = next(log.rows("SELECT min(timestamp), max(timestamp) FROM impressions"))
    return [iso(first), iso(last)]


def train_on_letor(letor: Path, output: Path, plan: Plan, overwrite: bool = False) -> dict[str, Any]:
    """Learn from a file and write the model into a folder; returns the card. Raises FolderInUse, before any work."""
    require_free(output, overwrite)
    plan = _resumable(plan, output.with_name(f".{output.name}.training"))
    trained, card = train(read_rows(letor), plan)
    card = {**card, "source": "letor", "file": letor.name}
    replace_model(output, trained, card, overwrite)
    plan.checkpoints.remove()
    return card


def judged_rows(engine: Any, judged: Judged, seed: int = 0) -> TrainingSet:
    """The training set of files of judgments."""
    texts = read_queries(judged.queries)
    return from_judgments(engine, texts, read_judgments(judged.judgments, texts), seed=seed)


def with_judged(clicked: TrainingSet, judged: TrainingSet, weight: float) -> TrainingSet:
    """Rows of clicks and, as queries of their own, those that people judged, which have no click rates."""
    features = clicked.features
    return clicked.with_judged(judged if features.behaviour is None else untold(judged, features), weight)


def clicked_rows(engine: Any, home: Home, seed: int = 0, method: str = "default", rates: bool = False) -> Clicked:
    """The training set of the click log; ``rates``: with click rates among the features, if the log is large enough.

    ``method``: one of relevance.estimate_relevance, or "position": sessions as they are, for LightGBM's own correction by position.
    """
    features = FeatureSet.default(engine.index.schema)
    data = logged_clicks(home, features)
    targets = estimate_relevance(data, "naive" if method == "position" else method, seed)
    if method == "position" and targets.chosen != "none":
        targets = targets._replace(chosen="position", why="sessions as they are; LightGBM corrects for position by itself")
        return Clicked(from_sessions(data, features), targets, data.num_sessions)
    rows = from_clicks(data, targets, None if method == "position" else engine, seed=seed)
    if not rates or targets.chosen == "none":
        return Clicked(rows, targets, data.num_sessions)
    labelled = lambda part: from_clicks(part, estimate_relevance(part, method, seed), engine, seed=seed)  # noqa: E731
    told, about = with_click_rates(rows, data, labelled, seed)
    return Clicked(told, targets, data.num_sessions, {"click_rates": about})


def activate_if_harmless(open_engine: Callable[[], Any], home: Home, done: Done) -> tuple[str, str]:
    """Serve a fresh model; raises Harmful if it lost on held-out queries or to what serves, or nothing could be held out."""
    gain = (done.card.get("heldout") or {}).get("gain")
    if gain is None or gain < 0:
        found = "too few queries to hold any out" if gain is None else f"{gain:+.4f}"
        raise Harmful(
            f"expected a gain on held-out queries, found {found}; {done.name} {done.version} is published, not active: gather more data, or run "
            "`ranker models activate` if you know better"
        )
    return activate(open_engine, home, done.name, done.version)[:2]


def evaluate_clicks(engine: Any, home: Home, names: Sequence[str], seed: int = 0) -> list[dict[str, Any]]:
    """Counterfactual estimates for the models named, or for all of the home."""
    chosen = names or Registry(home).names()
    return evaluate_log(engine, logged_clicks(home, FeatureSet.default(engine.index.schema)), chosen, seed)


def export_features(engine: Any, home: Home, queries: Path | None, judgments: Path | None, output: Path, seed: int = 0) -> dict[str, Any]:
    """Write the training set of judgments, or of the click log, as LETOR, CSV or TSV; returns what was written."""
    if queries is not None and judgments is not None:
        data = judged_rows(engine, Judged(queries, judgments), seed)
    else:
        data = clicked_rows(engine, home, seed).rows
    write_rows(output, data)
    return {"queries": len(data.group), "rows": len(data), "features": list(data.features.names)}


def judgments_from_clicks(home: Home, best: int, seed: int = 0) -> tuple[dict[str, str], dict[str, dict[str, float]]]:
    """Queries of the click log (q1 the most frequent) and grades 0..``best`` of what they showed; raises NothingToLearn, NotEnoughClicks."""
    if not home.clicks.exists():
        raise no_log(home)
    with ClickLog(home.clicks) as log:
        data = read_clicks(log, require_features=False)
    targets = estimate_relevance(data, seed=seed)
    if targets.chosen == "none":
        raise NotEnoughClicks(f"{targets.why}; wait for more sessions, or judge by hand")
    asked = np.bincount(data.row_query, data.shown[:, 0], len(data.queries))
    names = {int(query): f"q{place}" for place, query in enumerate(np.argsort(-asked, kind="stable"), 1)}
    found: dict[str, dict[str, float]] = {name: {} for name in names.values()}
    for query, key, grade in zip(data.row_query.tolist(), data.row_key, targets.grades):
        found[names[query]][key] = float(round(best * float(grade)))
    return {name: " ".join(data.texts[query].split()) for query, name in names.items()}, found


def feature_list(home: Home) -> Iterator[tuple[str, str]]:
    """(name, meaning) of each feature; behind the rest the columns of the home's schema, its own, and the click rates of models that have them."""
    yield from _told(FEATURES)
    if home.current.exists():
        from indexer.index import Index

        with Index.open(home) as index:
            columns = [name for name in FeatureSet.default(index.schema).names if name.startswith(COLUMN)]
            own = own_features(index.schema).functions
        yield from ((name, "Column of the schema, as it is.") for name in columns)
        yield from _told(own)
    yield from zip(NAMES, MEANINGS)


def _told(functions: Mapping[str, Feature]) -> Iterator[tuple[str, str]]:
    return ((name, (function.__doc__ or "").strip().split("\n")[0]) for name, function in functions.items())


def logged_clicks(home: Home, features: FeatureSet) -> ClickData:
    """The click log of a home, as far as it has vectors of these features; raises NothingToLearn without a log."""
    if not home.clicks.exists():
        raise no_log(home)
    with ClickLog(home.clicks) as log:
        return read_clicks(log, features.fingerprint)


def no_log(home: Home) -> NothingToLearn:
    """What to raise where a home has no click log."""
    return NothingToLearn(f"expected a click log at {home.clicks}, found none; serve searches, import clicks, or simulate")


def _resumable(plan: Plan, folder: Path) -> Plan:
    """The plan with checkpoints in a folder; says so when there are some already."""
    if folder.exists():
        plan.say(f"going on from the checkpoints in {folder}, as far as they are of the same data and settings")
    return plan._replace(checkpoints=Checkpoints(folder))


def _published(home: Home, trained: Trained, card: dict[str, Any], name: str, plan: Plan) -> Done:
    version = Registry(home).publish(trained, card, name)
    plan.checkpoints.remove()
    return Done(name, version, card)
