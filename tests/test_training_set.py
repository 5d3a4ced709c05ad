"""Rows that belong together stay together: parts, judged queries among clicked ones, sessions one by one."""

import numpy as np
import pytest
from click_worlds import make_world

from ranker.dataset import from_clicks, from_sessions
from ranker.featureset import FeatureSet
from ranker.rankers import More
from ranker.relevance import estimate_relevance
from ranker.train import _by_query
from ranker.training_set import NothingToLearn, TrainingSet, fold_of, numbered

NAMES = FeatureSet.plain(["a", "b"])


def some(soft=True, more=None, grades=(0.1, 0.9, 0.0, 0.5, 0.2)):
    x = np.arange(10, dtype=np.float32).reshape(5, 2)
    more = more or More(rates=np.array([0.0, 1.0, 0.0, 0.5, 0.3]))
    return TrainingSet(
        x,
        np.array(grades, np.float32),
        np.array([1, 9, 2, 4, 4], np.float32),
        np.array([2, 3]),
        ["p", "q"],
        list("vwxyz"),
        NAMES,
        soft,
        more,
    )


def test_parts_keep_everything_of_their_rows():
    part = some().queries(np.array([False, True]))
    assert part.x[:, 0].tolist() == [4, 6, 8] and part.keys == ["x", "y", "z"] and part.qids == ["q"]
    assert part.more.rates.tolist() == [0.0, 0.5, 0.3] and part.more.importance is None and part.judged is None


def test_judged_queries_join_as_their_own_with_shares_of_the_greatest_gain():
    both = some().with_judged(some(soft=False, grades=(0, 1, 2, 0, 3)), 5.0)
    assert both.group.tolist() == [2, 3, 2, 3] and both.qids == ["p", "q", "judged p", "judged q"] and both.soft
    assert both.grades[5:] == pytest.approx([0, 1 / 7, 3 / 7, 0, 1]) and both.more.rates[5:] == pytest.approx(both.grades[5:])
    assert both.more.importance.tolist() == [1] * 5 + [5] * 5 and both.weights[5:].tolist() == [9] * 5
    assert both.judged.tolist() == [False, False, True, True]
    assert both.queries(both.judged).judged.tolist() == [True, True]


def test_sessions_with_clicks_become_lists_with_ranks():
    world = make_world(sessions=300, queries=10)
    names = FeatureSet.plain([f"f{i}" for i in range(world.data.X.shape[1])])
    data = from_sessions(world.data, names)
    clicked = world.data.sessions.clicked.reshape(300, 10)
    assert len(data.group) == clicked.any(axis=1).sum() and (data.group == 10).all() and not data.soft
    assert data.grades.sum() == clicked.sum() and data.more.positions.tolist() == list(range(10)) * len(data.group)
    first = np.flatnonzero(clicked.any(axis=1))[0]
    rows = world.data.sessions.rows.reshape(300, 10)[first]
    assert data.x[:10].tolist() == world.data.X[rows].tolist()
    assert data.qids[0] == world.data.queries[world.data.row_query[rows[0]]]


def test_without_a_click_there_are_no_sessions_to_learn_from():
    world = make_world(sessions=20, queries=3)
    world.data.sessions.clicked[:] = False
    with pytest.raises(NothingToLearn, match="clicks"):
        from_sessions(world.data, NAMES)


def test_rates_reach_the_training_set():
    world = make_world(sessions=2000, queries=20)
    targets = estimate_relevance(world.data)
    data = from_clicks(world.data, targets, None)
    assert data.more.rates.shape == data.grades.shape and (data.more.rates != data.grades).any()
    assert ((data.more.rates >= 0) & (data.more.rates <= 1)).all()


def test_queries_of_one_name_share_a_fold():
    names = [f"q{i % 7}" for i in range(50)]
    fold = fold_of(names, 5, seed=3)
    assert all(len({fold[i] for i in range(50) if names[i] == name}) == 1 for name in names)
    assert sorted(np.bincount(fold_of(list("abcdefghij"), 5)).tolist()) == [2] * 5 and len(fold_of([], 5)) == 0


def test_the_same_query_twice_is_one_witness():
    values = np.array([0.2, 0.4, np.nan, 0.8, np.nan])
    np.testing.assert_array_equal(_by_query(values, ["a", "b", "c", "a", "c"]), [0.5, 0.4, np.nan])
    assert _by_query(values, list("abcde")) is values
    assert numbered(["x", "y", "x"]).tolist() == [0, 1, 0] and fold_of([], 5).tolist() == []
