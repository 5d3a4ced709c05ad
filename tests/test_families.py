"""Each family learns, gives the same model again, and reads grades as it should."""

import numpy as np
import pytest
from shared_data import shared

import ranker.choices as choices
from ranker.boosting import reference_scores
from ranker.ensemble import DISTILLED, OF_CLICKS, OF_GRADES, SUM
from ranker.families import FAMILIES, UnknownFamily, family
from ranker.letor import read_letor
from ranker.metrics import mean_of, per_query
from ranker.mixture import MODELS
from ranker.objectives import OBJECTIVES, exponential_levels, linear_levels
from ranker.rankers import More, UnknownFeature


def queries(num_queries=60, docs=20, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(num_queries * docs, 8)).astype(np.float32)
    true = 1.5 * x[:, 0] + np.tanh(x[:, 1] * x[:, 2]) + 0.5 * rng.normal(size=len(x))
    grades = np.searchsorted(np.quantile(true, [0.6, 0.85, 0.95]), true).astype(np.float32)
    return x, grades, np.full(num_queries, docs)


@pytest.mark.parametrize("name", list(FAMILIES))
@pytest.mark.parametrize("soft", [False, True])
def test_every_family_learns_from_hard_and_soft_grades(name, soft):
    x, grades, group = queries()
    new, truth, groups = queries(seed=1)
    ranker = family(name)(rounds=60).fit(x, grades / 3 if soft else grades, group, np.ones(len(x)), soft)
    learned = mean_of(per_query(ranker.predict(new), truth, groups))
    untrained = mean_of(per_query(np.zeros(len(new)), truth, groups))
    assert learned > untrained + 0.2


@pytest.mark.parametrize("name", list(FAMILIES))
def test_the_same_data_and_seed_give_the_same_bytes(name):
    x, grades, group = queries()
    first, again = (family(name)(random_state=3, rounds=20).fit(x, grades, group).text_ for _ in range(2))
    other = family(name)(random_state=4, rounds=20).fit(x, grades, group).text_
    assert first == again != other


def test_few_queries_are_learned_with_more_regularisation():
    x, grades, group = queries(10)
    assert family("pairwise")(rounds=5).fit(x, grades, group).settings_["num_leaves"] == 7
    x, grades, group = queries(500, 3)
    assert family("pairwise")(rounds=5).fit(x, grades, group).settings_["num_leaves"] == 15


def test_soft_grades_of_few_queries_bear_more_rounds():
    x, grades, group = queries(10)
    rounds = [family("pairwise")().fit(x, grades / 3, group, soft=soft).settings_["rounds"] for soft in (False, True)]
    assert rounds == [200, 300]


def test_the_command_line_offers_all_there_is():
    assert set(choices.FAMILIES) == set(FAMILIES) and set(choices.OBJECTIVES) == {*OBJECTIVES, SUM, DISTILLED}
    assert set(choices.METHODS) == {"default", "mixture", "sdbn", "naive", "position", *MODELS}


def test_levels_keep_order_and_range():
    soft = np.linspace(0, 1, 101)
    for levels, top in ((linear_levels(soft), 30), (exponential_levels(soft), 5)):
        assert levels[0] == 0 and levels[-1] == top and (np.diff(levels) >= 0).all()
    gains = 2 ** exponential_levels(soft) - 1
    assert np.corrcoef(gains, soft)[0, 1] > 0.94


def test_an_unknown_family_or_objective_names_the_known_ones():
    with pytest.raises(UnknownFamily, match="pointwise, pairwise, listwise, ensemble"):
        family("magic")
    x, grades, group = queries(4)
    for name, objective, known in (("listwise", "l2", "xendcg, listnet, listmle"), ("ensemble", "l2", "sum, distilled")):
        with pytest.raises(UnknownFamily, match=known):
            family(name)(objective).fit(x, grades, group)


@pytest.mark.parametrize("objective", list(OBJECTIVES))
@pytest.mark.parametrize("soft", [False, True])
def test_every_objective_learns_and_is_scored_as_lightgbm_does(objective, soft):
    x, grades, group = queries()
    new, truth, groups = queries(seed=1)
    ranker = family(OBJECTIVES[objective].family)(objective, rounds=60).fit(x, grades / 3 if soft else grades, group, None, soft)
    untrained = mean_of(per_query(np.zeros(len(new)), truth, groups))
    assert mean_of(per_query(ranker.predict(new), truth, groups)) > untrained + 0.2
    assert ranker.predict(new).tobytes() == reference_scores(ranker.text_, new).tobytes()


@pytest.mark.parametrize("name", list(FAMILIES))
def test_constraints_hold_for_every_document(name):
    x, grades, group = queries()
    names = tuple(f"f{i}" for i in range(8))
    ranker = family(name)(rounds=60, increasing=["f0"], decreasing=["f3"]).fit(x, grades, group, names=names)
    higher, lower = x.copy(), x.copy()
    higher[:, 0] += np.float32(0.5)
    lower[:, 3] += np.float32(0.5)
    assert (ranker.predict(higher) >= ranker.predict(x)).all() and (ranker.predict(higher) > ranker.predict(x)).any()
    assert (ranker.predict(lower) <= ranker.predict(x)).all()


@pytest.mark.parametrize("soft", [False, True])
def test_an_ensemble_is_the_sum_of_its_members(soft):
    x, grades, group = queries()
    grades, rates = (grades / 3, np.clip(grades / 3 + 0.1, 0, 1)) if soft else (grades, None)
    ensemble = family("ensemble")(rounds=25).fit(x, grades, group, None, soft, more=More(rates=rates))
    total = np.zeros(len(x))
    for kind, objective, of_rates in OF_CLICKS if soft else OF_GRADES:
        member = kind(objective, rounds=25).fit(x, rates if of_rates else grades, group, None, soft)
        total += member.predict(x) / member.predict(x).std()
    assert ensemble.predict(x) == pytest.approx(total, abs=1e-9)
    assert ensemble.predict(x).tobytes() == reference_scores(ensemble.text_, x).tobytes()
    student = family("ensemble")("distilled").fit(x, grades, group, None, soft, more=More(rates=rates))
    assert student.text_.count("Tree=") == 240 and np.corrcoef(student.predict(x), total)[0, 1] > 0.8


def test_a_constraint_on_no_feature_is_refused():
    with pytest.raises(UnknownFeature, match="title"):
        family("pointwise")(increasing=["title"]).fit(*queries(5))


def test_importance_pulls_a_model_towards_the_rows_that_count():
    x, grades, group = queries()
    half = np.repeat([True, False], len(x) // 2)
    both = np.where(half, grades, 3 - grades)  # the second half says the contrary
    towards = [
        family("pairwise")(rounds=40).fit(x, both, group, more=More(np.where(half, weight, 1.0))).predict(x) for weight in (10.0, 0.1)
    ]
    assert np.corrcoef(towards[0], grades)[0, 1] > 0.2 > -0.2 > np.corrcoef(towards[1], grades)[0, 1]


def test_lightgbm_corrects_for_position_when_it_is_told():
    x, grades, group = queries()
    ranks = np.tile(np.arange(20, dtype=np.int32), len(group))
    clicked = (grades > 1) & (ranks < 8)
    told, untold = (family("pairwise")(rounds=20).fit(x, clicked, group, more=More(positions=p)).text_ for p in (ranks, None))
    assert told != untold


def test_lambdamart_reaches_the_published_example():
    folder = shared("ltr/lightgbm-lambdarank")
    train = read_letor(folder / "rank.train.gz")
    test = read_letor(folder / "rank.test.gz", train.x.shape[1])
    ranker = family("pairwise")().fit(train.x, train.grades, train.group)
    assert mean_of(per_query(ranker.predict(test.x), test.grades, test.group)) > 0.753
