"""Simulated users: each clicks as its model says; a simulation is marked, reproducible, fast, and can be learned from."""

import time

import numpy as np
import pytest
from fake_engine import FakeEngine

from ranker.clicklog import ClickLog
from ranker.relevance import estimate_relevance
from ranker.sessions import read_clicks
from ranker.simulate import SimulationError, model_label, simulate, swap_propensities
from ranker.users import USERS, attractiveness, click


@pytest.fixture
def log(tmp_path):
    with ClickLog(tmp_path / "clicks.sqlite3") as log:
        yield log


def run(engine, log, users="pbm", sessions=500, seed=1, **options):
    return simulate(engine, log, engine.queries, engine.judgments, users, sessions, seed, **options)


def test_attractiveness_goes_from_a_tenth_to_one():
    np.testing.assert_allclose(attractiveness(np.array([0.0, 1, 2]), 2.0), [0.1, 0.4, 1.0])
    assert attractiveness(np.zeros(1), 0.0)[0] == pytest.approx(0.1)


def clicks_of(user, grades, sessions=40_000):
    lists = np.tile(np.array(grades, float), (sessions, 1))
    return click(user, lists, 2.0, np.random.default_rng(0))


def test_position_based_users_look_at_rank_k_once_in_k():
    np.testing.assert_allclose(clicks_of("pbm", [2, 2, 2, 2]).mean(0), [1, 1 / 2, 1 / 3, 1 / 4], atol=0.01)


def test_cascade_users_click_once_from_the_top():
    clicked = clicks_of("cascade", [1, 1, 1])
    assert clicked.sum(1).max() == 1
    np.testing.assert_allclose(clicked.mean(0), [0.4, 0.6 * 0.85 * 0.4, (0.6 * 0.85) ** 2 * 0.4], atol=0.01)


def test_dynamic_bayesian_users_stop_when_satisfied():
    np.testing.assert_allclose(clicks_of("dbn", [2, 2]).mean(0), [1, 0.1 * 0.9], atol=0.01)
    np.testing.assert_allclose(clicks_of("dbn", [0, 2]).mean(0), [0.1, (0.9 + 0.1 * 0.9) * 0.9], atol=0.01)


def test_browsing_users_look_on_below_a_click():
    np.testing.assert_allclose(clicks_of("ubm", [2, 2]).mean(0), [1, 1 / (1 + 0.25 * 1.05)], atol=0.01)


@pytest.mark.parametrize("user", sorted(USERS))
def test_nothing_is_clicked_below_the_end_of_a_list(user):
    assert not clicks_of(user, [2, -1, -1], 1000)[:, 1:].any()


def test_everything_written_is_marked_simulated(log):
    report = run(FakeEngine(), log)
    stats = log.stats()
    assert (report.sessions, report.new) == (500, 500)
    assert stats.impressions == stats.simulated_impressions == 500
    assert stats.clicks == stats.simulated_clicks == report.clicks > 100


def test_each_query_is_ranked_once(log):
    engine = FakeEngine(num_queries=10)
    run(engine, log)
    assert engine.ranked == 10


def test_the_vectors_that_were_ranked_are_logged(log):
    engine = FakeEngine()
    run(engine, log, sessions=50)
    for shown in log.impressions():
        ranking = engine.rank(shown.user_query, 20, "active")
        order = [ranking.keys.index(key) for key in shown.keys]
        np.testing.assert_array_equal(shown.features, ranking.features[order])
        np.testing.assert_array_equal(shown.scores, ranking.retrieval_scores[order])
        assert (shown.generation, shown.feature_fingerprint) == ("g000001", "fake-features")


def test_one_session_in_ten_swaps_the_first_with_another_of_the_top_ten(log):
    engine = FakeEngine()
    report = run(engine, log, sessions=3000)
    assert 230 < report.explored_sessions < 370
    moved = 0
    for shown in log.impressions():
        order = np.array([engine.rank(shown.user_query, 20, "none").keys.index(key) for key in shown.keys])
        places = np.flatnonzero(order != np.arange(20))
        assert places.tolist() in [[], [0, order[0]]]
        assert order[0] < 10
        moved += len(places) > 0
        np.testing.assert_allclose(shown.propensities, swap_propensities(order, 0.1))
    assert moved == report.explored_sessions


@pytest.mark.parametrize("n", [2, 5, 10, 20])
def test_swap_propensities_are_those_of_the_policy(n):
    explored, reach = 0.1, min(n, 10)
    chance = np.eye(n) * (1 - explored)
    for other in range(1, reach):
        order = np.arange(n)
        order[[0, other]] = order[[other, 0]]
        chance[np.arange(n), order] += explored / (reach - 1)
    np.testing.assert_allclose(chance.sum(0), 1)
    order = np.arange(n)
    order[[0, reach - 1]] = order[[reach - 1, 0]]
    np.testing.assert_allclose(swap_propensities(order, explored), chance[np.arange(n), order], rtol=1e-6)


def test_a_single_document_is_always_where_it_is():
    assert swap_propensities(np.array([0]), 0.1).tolist() == [1.0]


def test_the_same_seed_repeats_and_adds_nothing(log, tmp_path):
    first = run(FakeEngine(), log)
    again = run(FakeEngine(), log)
    assert again == first._replace(new=0)
    with ClickLog(tmp_path / "other.sqlite3") as other:
        run(FakeEngine(), other)
        assert [event._replace(timestamp=0) for event in other.events()] == [event._replace(timestamp=0) for event in log.events()]


@pytest.mark.parametrize("changes", [{"seed": 2}, {"users": "dbn"}, {"explored_share": 0.2}])
def test_another_simulation_adds_its_sessions(log, changes):
    run(FakeEngine(), log)
    assert run(FakeEngine(), log, **changes).new == 500
    assert run(FakeEngine(model=("clicks", "2")), log).new == 500


def test_traffic_is_uneven_over_the_queries(log):
    run(FakeEngine(), log, sessions=4000)
    counts = sorted((n for (n,) in log.rows("SELECT count(*) FROM impressions GROUP BY user_query")), reverse=True)
    expected = np.arange(1, 41) ** -0.9
    np.testing.assert_allclose(counts[:3], 4000 * expected[:3] / expected.sum(), rtol=0.15)


def test_queries_without_results_or_judgments_get_no_traffic(log):
    engine = FakeEngine(num_queries=5)
    queries = {**engine.queries, "none": "finds nothing", "plain": "query number 3"}
    judgments = {**engine.judgments, "none": {"d1": 1.0}, "unasked": {"d1": 1.0}}
    assert simulate(engine, log, queries, judgments, "pbm", 100, 0).queries == 5


def test_nothing_to_simulate_is_said(log):
    with pytest.raises(SimulationError, match="expected queries with judgments and results"):
        simulate(FakeEngine(), log, {"a": "finds nothing"}, {"a": {"d1": 1.0}}, "pbm", 10, 0)
    with pytest.raises(SimulationError, match="expected one of pbm, cascade, dbn, ubm, found 'robots'"):
        run(FakeEngine(), log, users="robots")


def test_models_are_named_with_their_version():
    assert [model_label(model) for model in (None, "", "m/1", ("m", 2))] == ["", "", "m/1", "m/2"]


def test_seven_thousand_sessions_take_seconds_and_teach(log):
    engine = FakeEngine(num_queries=60)
    started = time.perf_counter()
    run(engine, log, sessions=7000)
    assert time.perf_counter() - started < 10
    data = read_clicks(log)
    truth = np.array([engine.judgments[engine.qids[data.queries[q]]][key] for q, key in zip(data.row_query, data.row_key)])
    default, naive = (estimate_relevance(data, method).grades for method in ("default", "naive"))
    assert np.corrcoef(default, truth)[0, 1] > np.corrcoef(naive, truth)[0, 1] + 0.1
