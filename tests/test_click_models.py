"""Click models against brute force, plain counting, and simulated users whose tastes are known."""

import numpy as np
import pytest
from click_oracle import browsing_session, chance_of_clicks, reading_session
from click_worlds import as_click_data, make_world, ndcg10
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from ranker.browsing_models import PBM, UBM, AllPairs, TrustBias
from ranker.click_kernels import browsing_looks, longest, reading_looks
from ranker.click_models import COEC, ClickModel, NaiveCTR, RankCTR, log_chances, shrunk
from ranker.reading_models import DBN, DCM, SDBN, Cascade, ReadingModel, examined_positions
from ranker.sessions import Sessions
from ranker.users import attractiveness

MODELS = [RankCTR(), NaiveCTR(), COEC(), AllPairs(), PBM(), PBM("em"), UBM(), TrustBias(), Cascade(), DCM(), SDBN(), DBN()]
named = pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__ + str(getattr(model, "propensities", "")))


@pytest.fixture(scope="module")
def world():
    return make_world("pbm", sessions=40_000)


@pytest.fixture(scope="module")
def worlds():
    """Users of a cascade leave early, so it takes more of them to look at as many documents."""
    return {user: make_world(user, sessions=25_000 if user == "cascade" else 20_000) for user in ("pbm", "cascade", "dbn", "ubm")}


def tiny():
    """Three sessions over four documents: clicks at ranks 2, none, and 1 and 3."""
    rows = np.array([[0, 1, 2], [0, 1, 3], [1, 2, 3]])
    clicked = np.array([[False, True, False], [False, False, False], [True, False, True]])
    return as_click_data(np.zeros((4, 1)), rows, clicked, 4)


def drawn_sessions(seed, count=4, num_rows=5, num_ranks=6):
    """Sessions of one to four positions at rising ranks, some of them skipped."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 5, count)
    ranks = np.concatenate([np.sort(rng.permutation(num_ranks)[:n]) for n in lengths]).astype(np.int32)
    rows = np.concatenate([rng.permutation(num_rows)[:n] for n in lengths]).astype(np.int32)
    return Sessions(np.concatenate([[0], np.cumsum(lengths)]), rows, ranks, rng.random(len(rows)) < 0.4), rng


def one_by_one(sessions):
    for start, end in zip(sessions.offsets, sessions.offsets[1:]):
        yield slice(start, end), sessions.rows[start:end], sessions.ranks[start:end], sessions.clicked[start:end]


@given(st.integers(0, 10_000))
def test_looks_of_browsing_users_are_those_of_all_stories(seed):
    sessions, rng = drawn_sessions(seed)
    attraction, look = rng.uniform(0.05, 0.95, 5), rng.uniform(0.05, 0.95, (6, 7))
    row_looks, cell_looks, cell_shown = np.zeros(5), np.zeros((6, 7)), np.zeros((6, 7))
    browsing_looks(*sessions, attraction, look, row_looks, cell_looks, cell_shown)
    expected = np.zeros(5)
    for _, rows, ranks, clicked in one_by_one(sessions):
        np.add.at(expected, rows, browsing_session(rows, ranks, clicked, attraction, look)[1])
    np.testing.assert_allclose(row_looks, expected)
    assert cell_looks.sum() == pytest.approx(row_looks.sum())
    assert cell_shown.sum() == len(sessions.rows)


@given(st.integers(0, 10_000))
def test_looks_and_satisfaction_of_readers_are_those_of_all_stories(seed):
    sessions, rng = drawn_sessions(seed, count=2)
    attraction, satisfaction, stay = rng.uniform(0.05, 0.95, 5), rng.uniform(0.05, 0.95, 5), rng.uniform(0.1, 0.99)
    looks, happy, steps = np.zeros(5), np.zeros(5), np.zeros(2)
    scratch = np.empty(longest(sessions.offsets) + 1)
    reading_looks(sessions.offsets, sessions.rows, sessions.clicked, attraction, satisfaction, stay, looks, happy, steps, scratch)
    expected = np.zeros(5), np.zeros(5), np.zeros(2)
    for _, rows, ranks, clicked in one_by_one(sessions):
        chain = attraction, satisfaction, np.full(6, stay), np.full(6, stay)
        _, by_position, by_click, more = reading_session(rows, ranks, clicked, *chain)
        np.add.at(expected[0], rows, by_position)
        np.add.at(expected[1], rows, by_click)
        expected[2][:] += more
    for found, wanted in zip((looks, happy, steps), expected):
        np.testing.assert_allclose(found, wanted, atol=1e-9)


def reader(rng):
    model = ReadingModel()
    model.attractiveness_, model.satisfaction_ = rng.uniform(0.05, 0.95, (2, 5))
    model.after_click_, model.after_skip_ = rng.uniform(0.05, 0.95, (2, 6))
    return model, lambda rows, ranks, clicked: reading_session(
        rows, ranks, clicked, model.attractiveness_, model.satisfaction_, model.after_click_, model.after_skip_)[0]  # fmt: skip


def browser(rng):
    model = UBM()
    model.attractiveness_, model.look_ = rng.uniform(0.05, 0.95, 5), rng.uniform(0.05, 0.95, (6, 7))
    return model, lambda rows, ranks, clicked: browsing_session(rows, ranks, clicked, model.attractiveness_, model.look_)[0]


@pytest.mark.parametrize("kind", [reader, browser])
@given(seed=st.integers(0, 10_000))
@settings(max_examples=examples(25))
def test_chances_of_clicks_are_those_of_all_stories(kind, seed):
    sessions, rng = drawn_sessions(seed, count=2)
    model, plain = kind(rng)
    conditional, marginal = model.conditional(sessions), model.marginal(sessions)
    likelihoods = model.session_log_likelihoods(sessions)
    for s, (where, rows, ranks, clicked) in enumerate(one_by_one(sessions)):
        patterns = chance_of_clicks(lambda clicks, rows=rows, ranks=ranks: plain(rows, ranks, clicks), len(rows))
        assert sum(patterns.values()) == pytest.approx(1.0)
        np.testing.assert_allclose(np.exp(likelihoods[s]), patterns[tuple(clicked.tolist())], rtol=1e-6)
        for i in range(len(rows)):
            above = [p for p in patterns if p[:i] == tuple(clicked[:i].tolist())]
            given_above = sum(patterns[p] for p in above if p[i]) / sum(patterns[p] for p in above)
            assert conditional[where][i] == pytest.approx(given_above)
            assert marginal[where][i] == pytest.approx(sum(chance for p, chance in patterns.items() if p[i]))


def likelihood(model: ClickModel, data):
    return model.log_likelihood(data.sessions)


@pytest.mark.parametrize("user", ["pbm", "cascade", "dbn", "ubm"])
@pytest.mark.parametrize("make", [UBM, TrustBias, DBN, lambda iterations, strength: PBM("em", iterations, strength)])
def test_no_step_of_em_lowers_the_likelihood(worlds, user, make):
    values = [likelihood(make(iterations=n, strength=1e-9).fit(worlds[user].data), worlds[user].data) for n in (1, 2, 4, 8, 16)]
    # UBM's cells are drawn a little towards their rank, which EM of the likelihood alone would not do.
    assert (np.diff(values) > -1e-6).all()


@named
def test_every_model_keeps_the_contract_of_estimators(worlds, model):
    data = worlds["ubm"].data
    before = dict(vars(model))
    assert model.fit(data) is model
    assert {name: value for name, value in vars(model).items() if not name.endswith("_")} == {
        name: value for name, value in before.items() if not name.endswith("_")
    }
    for values in (model.attractiveness_, model.relevance_):
        assert values.shape == (data.num_rows,) and values.min() >= 0 and values.max() <= 1
    assert model.exposure_.shape == (data.num_rows,) and model.exposure_.min() >= 0
    again = type(model)(**{name: getattr(model, name) for name in before if not name.endswith("_")}).fit(data)
    np.testing.assert_array_equal(again.attractiveness_, model.attractiveness_)
    perplexity = model.perplexity(data.sessions)
    assert perplexity.shape == (10,) and (perplexity >= 1).all()
    assert -1 < model.log_likelihood(data.sessions) < 0


@named
def test_nothing_seen_gives_finite_values(model):
    fitted = model.fit(as_click_data(np.zeros((3, 1)), np.array([[0, 1]]), np.array([[False, False]]), 3))
    assert np.isfinite(fitted.attractiveness_).all()
    assert ((fitted.attractiveness_ >= 0) & (fitted.attractiveness_ <= 1)).all()


@named
def test_an_empty_log_teaches_nothing_and_breaks_nothing(model):
    nothing = as_click_data(np.zeros((2, 1)), np.zeros((0, 3), int), np.zeros((0, 3), bool), 2)
    assert np.isfinite(model.fit(nothing).attractiveness_).all()


def test_each_kind_of_user_is_best_explained_by_its_own_model(worlds):
    models = {"pbm": PBM("em"), "cascade": DBN(), "dbn": DBN(), "ubm": UBM()}
    for user, world in worlds.items():
        train, test = halves(world.data)
        scores = {name: likelihood(model.fit(train), test) for name, model in models.items()}
        # UBM holds PBM as a special case, DBN the cascade.
        own = {"pbm": ("pbm", "ubm"), "ubm": ("ubm",), "dbn": ("dbn", "cascade"), "cascade": ("cascade", "dbn")}[user]
        assert max(scores, key=scores.get) in own, (user, scores)


def halves(data):
    """Sessions by turns for training and for testing, over the same rows."""
    length = int(data.sessions.offsets[1])
    rows, clicked = (a.reshape(-1, length) for a in (data.sessions.rows, data.sessions.clicked))
    return (as_click_data(data.X, rows[i::2], clicked[i::2], len(data.X) // len(data.queries)) for i in range(2))


# Users give up now and then, which the counting models take for dislike.
@pytest.mark.parametrize(
    ("user", "model", "error"),
    [("ubm", UBM(), 0.06), ("dbn", DBN(), 0.03), ("cascade", Cascade(), 0.1), ("cascade", DBN(), 0.03), ("dbn", SDBN(), 0.1)],
)
def test_models_find_the_tastes_of_their_users(worlds, user, model, error):
    world = worlds[user]
    model.fit(world.data)
    truth = attractiveness(world.grades.ravel(), 4.0)
    seen = model.exposure_ > 150
    assert seen.sum() > 50
    assert np.abs(model.attractiveness_ - truth)[seen].mean() < error


def test_dbn_finds_persistence_and_satisfaction(worlds):
    world = worlds["dbn"]
    model = DBN(iterations=80).fit(world.data)
    assert model.persistence_ == pytest.approx(0.9, abs=0.02)
    clicks = world.data.clicked.sum(axis=1)
    truth = 0.1 + 0.2 * world.grades.ravel()
    assert np.abs(model.satisfaction_ - truth)[clicks > 200].mean() < 0.08


def test_dcm_goes_on_after_some_clicks_and_the_cascade_after_none(worlds):
    assert (Cascade().fit(worlds["cascade"].data).after_click_ == 0).all()
    lambdas = DCM().fit(worlds["dbn"].data).after_click_
    assert 0.2 < lambdas[0] < 0.95
    assert likelihood(DCM().fit(worlds["dbn"].data), worlds["dbn"].data) > likelihood(Cascade().fit(worlds["dbn"].data), worlds["dbn"].data)


def test_perplexity_of_a_coin_is_two_and_of_an_oracle_one():
    data = tiny()
    model = NaiveCTR().fit(data)
    model.attractiveness_ = np.full(4, 0.5)
    np.testing.assert_allclose(model.perplexity(data.sessions), 2.0)
    model.conditional = lambda sessions: sessions.clicked.astype(float)
    np.testing.assert_allclose(model.perplexity(data.sessions), 1.0, atol=1e-5)


def test_the_impossible_costs_a_known_amount():
    assert log_chances(np.array([0.0]), np.array([True]))[0] == pytest.approx(np.log(1e-6))


def test_coec_is_one_where_a_row_is_clicked_as_its_ranks_are():
    model = COEC(strength=0.0).fit(tiny())
    # Rates by rank: 1/3, 1/3, 1/3; row 1 was shown three times and clicked twice, rows 0 and 2 never.
    np.testing.assert_allclose(model.ratio_, [0, 2, 0, 1.5])


def test_naive_rates_are_clicks_over_impressions():
    model = NaiveCTR(strength=0.0).fit(tiny())
    np.testing.assert_allclose(model.attractiveness_, [0, 2 / 3, 0, 1 / 2])
    np.testing.assert_allclose(model.exposure_, [2, 3, 2, 2])


def test_sdbn_looks_down_to_the_last_click_or_to_the_end():
    examined, last = examined_positions(tiny().sessions)
    assert examined.reshape(3, 3).tolist() == [[True, True, False], [True] * 3, [True] * 3]
    assert np.flatnonzero(last).tolist() == [1, 8]


def test_sdbn_counts_sessions_without_clicks():
    model = SDBN(strength=0.0).fit(tiny())
    np.testing.assert_allclose(model.exposure_, [2, 3, 1, 2])
    np.testing.assert_allclose(model.attractiveness_, [0, 2 / 3, 0, 1 / 2])
    assert model.satisfaction_[1] == pytest.approx(1 / 2)
    assert model.satisfaction_[3] == pytest.approx(1.0)


def test_shrinking_draws_to_the_overall_rate():
    np.testing.assert_allclose(shrunk(np.array([1, 0, 0]), np.array([1.0, 1.0, 0.0]), 2.0), [2 / 3, 1 / 3, 1 / 2])


def test_pbm_with_true_propensities_finds_the_attractiveness(world):
    theta = 1 / np.arange(1, 21)
    model = PBM(propensities=theta, iterations=200).fit(world.data)
    truth = attractiveness(world.grades.ravel(), 4.0)
    seen = model.exposure_ > 100
    assert seen.sum() > 50
    assert np.abs(model.attractiveness_ - truth)[seen].mean() < 0.03
    np.testing.assert_array_equal(model.propensities_, theta)


@pytest.mark.parametrize("model", [PBM(), AllPairs()])
def test_propensities_are_harvested(world, model):
    model.fit(world.data)
    assert np.abs(np.log(model.propensities_[:10] * np.arange(1, 11))).mean() < 0.1


def test_correcting_for_position_beats_click_rates(world):
    naive, corrected = (model.fit(world.data).attractiveness_.reshape(world.grades.shape) for model in (NaiveCTR(), PBM()))
    assert ndcg10(corrected, world.grades) > ndcg10(naive, world.grades) + 0.02
