"""How much of a model from clicks is let in beside retrieval's order: as much as clicks on queries it has not seen do not speak against."""

import numpy as np
import pytest

from ranker.featureset import FeatureSet
from ranker.rankers import More
from ranker.train import BLENDS, PRODUCTION, HeldOut, _choose_blend, _clicks_earned
from ranker.training_set import TrainingSet

QUERIES, ROWS = 400, 12


def world(looks=20, grades=None, seed=0, counted=False):
    """Clicks on documents whose attraction retrieval knows in part; the last two of each query were never shown."""
    chance = np.random.default_rng(seed)
    attraction = chance.beta(1, 6, QUERIES * ROWS)
    retrieval = attraction + chance.normal(0, 0.15, len(attraction))
    clicks = chance.binomial(looks, attraction) / looks
    weights = np.where(np.arange(len(clicks)) % ROWS < ROWS - 2, 1.0, 0.25).astype(np.float32)
    data = TrainingSet(
        retrieval[:, None].astype(np.float32), (clicks if grades is None else grades).astype(np.float32), weights, np.full(QUERIES, ROWS),
        [f"q{n}" for n in range(QUERIES)], [], FeatureSet.plain([PRODUCTION]), True, More(rates=clicks, looks=np.full(len(clicks), float(looks)) if counted else None),
    )  # fmt: skip
    return data, attraction, chance


def chosen(data, scores, most=1.0):
    return _choose_blend(HeldOut(scores, np.arange(QUERIES) % 5, {}), data, most)


def test_a_model_that_knows_more_is_let_in_whole():
    data, attraction, chance = world()
    weight, check = chosen(data, attraction + chance.normal(0, 0.02, len(attraction)))
    assert weight == 1.0 and check["clicks"]["gain"] > 5 * check["clicks"]["standard_error"] > 0


def test_a_model_that_knows_as_much_has_a_part():
    data, attraction, chance = world()
    assert chosen(data, attraction + chance.normal(0, 0.15, len(attraction)))[0] in (0.75, 0.5)


def test_a_model_that_knows_nothing_has_the_least_part():
    data, _, chance = world()
    weight, check = chosen(data, chance.random(len(data)))
    assert weight == 0.25 and check["clicks"]["gain"] < 0


@pytest.mark.parametrize("looks, share", [(2, 0.25), (4, 0.5), (12, 0.75), (50, 1.0)])
def test_where_clicks_tell_nothing_the_share_is_what_the_log_is_worth(looks, share):
    data, _, _ = world(looks, counted=True)
    assert chosen(data, data.x[:, 0] * 2.0)[0] == share  # retrieval's own order: every share earns the same


def test_few_looks_are_enough_where_clicks_are_for_the_model():
    data, attraction, chance = world(3, counted=True)
    assert chosen(data, attraction + chance.normal(0, 0.02, len(attraction)))[0] > 0.5  # which it is worth


def test_no_more_is_let_in_than_the_size_of_the_log_allows():
    data, attraction, _ = world()
    assert chosen(data, attraction, most=0.5)[0] == 0.5


def test_grades_that_agree_with_a_wrong_model_do_not_let_it_in():
    data, _, chance = world(looks=2)
    wrong = chance.random(len(data))
    praised = world(looks=2, grades=wrong)[0]
    weight, check = chosen(praised, wrong)
    assert weight == 0.25 and check["gain"] > 0


@pytest.mark.parametrize("seed", range(3))
def test_what_clicks_earn_is_their_discounted_rate_on_the_page(seed):
    data, _, chance = world(seed=seed)
    scores = chance.random(len(data))
    earned = _clicks_earned(scores, data)
    for query in (0, 7, QUERIES - 1):
        rows = [row for row in range(query * ROWS, (query + 1) * ROWS) if row % ROWS < ROWS - 2]
        page = sorted(rows, key=lambda row: -scores[row])[:10]
        assert earned[query] == pytest.approx(sum(data.more.rates[row] / np.log2(place + 2) for place, row in enumerate(page)))
    assert BLENDS[0] == 1.0
