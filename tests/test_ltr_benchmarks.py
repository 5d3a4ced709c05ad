"""The benchmarks of learning: their worlds are what they say, and they run. Slow: what is learned in them keeps its bars."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from shared_data import shared

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks"
sys.path.insert(0, str(FOLDER))

import click_models  # noqa: E402
import ltr  # noqa: E402
from click_logs import simulated_blocks  # noqa: E402
from ltr_worlds import GRADES, KINDS, judged, trusting, world  # noqa: E402

from ranker.propensity import harvest  # noqa: E402
from ranker.relevance import estimate_relevance  # noqa: E402


def test_documents_have_the_grades_of_a_web_collection():
    found = judged(queries=100, seed=3)
    shares = np.bincount(found.grades, minlength=5) / len(found.grades)
    np.testing.assert_allclose(shares, GRADES, atol=0.01)
    assert found.x.shape == (found.bounds[-1], 40) and (found.group >= 12).all()
    again = judged(queries=100, seed=3)
    np.testing.assert_array_equal(found.x, again.x)
    some = found.part(np.array([7, 2]))
    np.testing.assert_array_equal(some.x[: some.group[0]], found.x[found.bounds[7] : found.bounds[8]])


def test_trust_makes_repelling_documents_clicked_at_high_ranks():
    clicked = trusting(np.zeros((40_000, 10)), np.random.default_rng(0)).mean(axis=0)
    np.testing.assert_allclose(clicked, 0.65 / np.arange(1, 11) ** 2, atol=0.01)


def test_simulated_blocks_are_one_log():
    blocks = list(simulated_blocks(1_000, queries=20))
    assert sum(len(block) for block in blocks) == 1_000
    assert max(block.rows.max() for block in blocks) < 300


def test_the_click_model_benchmark_foretells_real_clicks(tmp_path, capsys):
    shared("clicks/yandex-relpred-sample/sessions.tsv.gz")
    click_models.main(["--sessions", "0", "--output", str(tmp_path)])
    found = json.loads((tmp_path / "click_models.json").read_text())["yandex"]
    assert (tmp_path / "click_models.txt").read_text().strip() in capsys.readouterr().out
    # The order of the literature: rates of ranks, then of documents, then position-based, and given the clicks above UBM and DBN.
    assert found["rank CTR"]["perplexity"] > found["document CTR"]["perplexity"] > found["PBM, harvested"]["perplexity"]
    best = max(found, key=lambda name: found[name]["log_likelihood"])
    assert best in ("UBM", "DBN")
    assert min(found["UBM"]["log_likelihood"], found["DBN"]["log_likelihood"]) > found["PBM, harvested"]["log_likelihood"] + 0.01


@pytest.mark.slow
@pytest.mark.parametrize("user", KINDS)
def test_a_thousand_sessions_never_make_a_ranking_worse(user):
    place = world(user, 1_000)
    learned = ltr.ours(place, estimate_relevance(place.clicks), "pairwise")
    assert ltr.quality(learned, place.test) > ltr.quality(place.production, place.test)


@pytest.mark.slow
@pytest.mark.parametrize(("sessions", "error"), [(10_000, 0.15), (100_000, 0.1)])
def test_propensities_are_harvested_within_their_bars(sessions, error):
    data = world("pbm", sessions).clicks
    theta = harvest(data.shown, data.clicked).theta[:10]
    assert np.abs(np.log(theta * np.arange(1, 11))).mean() <= error
