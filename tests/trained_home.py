"""A home of a few documents whose models were trained on it: for what explains, replays and reports on served rankings."""

import numpy as np
from small_home import build_home, documents

from ranker.families import Pointwise
from ranker.featureset import FeatureSet
from ranker.model import Trained
from ranker.registry import Registry
from searchd.engine import Engine

QUERIES = ("apple banana", "banana cherry", "apple", "cherry dragon 机器学习", "机器学习", "banana", "cherry apple banana")


def make_trained_home(folder, num_docs=150):
    """A home with two active-able models: ``plain``, a forest, which is active, and ``blend``, mixed half and half with retrieval."""
    home = build_home(folder, documents(num_docs))
    publish_small_models(home)
    return home


def publish_small_models(home):
    """Both models, ``plain`` active, on the features that the home has now."""
    with Engine(home) as engine:
        tables = [engine.rank(text, 100, "none").features for text in QUERIES]
        features = FeatureSet.default(engine.index.schema)
    x = np.concatenate(tables)
    wanted = x[:, features.names.index("whole_length")] + np.nan_to_num(x[:, features.names.index("title_bm25")])
    ranker = Pointwise(rounds=20, min_data_in_leaf=3).fit(
        x, np.digitize(wanted, np.quantile(wanted, [0.3, 0.6, 0.9])), [len(t) for t in tables]
    )
    trained = Trained(ranker.text_, features, x[:16], ranker.predict(x[:16]))
    registry = Registry(home)
    registry.publish(trained, {"family": "pointwise", "source": "judgments"}, "plain")
    registry.publish(trained, {"family": "pointwise", "blend": {"weight": 0.5, "feature": "retrieval_score"}}, "blend")
    registry.activate("plain")
