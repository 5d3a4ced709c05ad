"""Training sets hold what they should: judged rows, a bounded sample of others, logged vectors, weak negatives."""

import functools

import numpy as np
import pytest
from ranked_home import RankedEngine

from ranker.clicklog import ClickLog
from ranker.dataset import UNJUDGED, UNSHOWN, from_clicks, from_judgments
from ranker.relevance import estimate_relevance
from ranker.sessions import read_clicks
from ranker.simulate import simulate
from ranker.training_set import NothingToLearn, fold_of


@functools.cache
def engine():
    return RankedEngine()


def test_all_judged_candidates_and_some_others_are_rows():
    judged = {qid: dict(list(grades.items())[:3]) for qid, grades in engine().judgments.items()}
    data = from_judgments(engine(), engine().queries, judged)
    for qid, start, end in zip(data.qids, data.bounds, data.bounds[1:]):
        keys = engine().rank(engine().queries[qid]).keys
        assert set(judged[qid]) & set(keys) <= set(data.keys[start:end])
        assert end - start <= UNJUDGED + 3
        assert data.grades[start:end].tolist() == [judged[qid].get(key, 0) for key in data.keys[start:end]]


def test_a_query_is_sampled_alike_whatever_the_others_are():
    judged = {qid: {} for qid in list(engine().queries)[:5]}
    alone = from_judgments(engine(), engine().queries, {"q3": {}})
    among = from_judgments(engine(), engine().queries, judged)
    at = among.qids.index("q3")
    assert among.keys[among.bounds[at] : among.bounds[at + 1]] == alone.keys


def test_white_space_in_keys_is_percent_encoded_in_judgments():
    class Spaced(RankedEngine):
        def rank(self, q, depth=100, model="none"):
            ranking = super().rank(q, depth, model)
            ranking.keys = [key.replace("d", "a doc ") for key in ranking.keys]
            return ranking

    spaced = Spaced()
    first = spaced.rank(spaced.queries["q0"]).keys[0]
    data = from_judgments(spaced, spaced.queries, {"q0": {first.replace(" ", "%20"): 2.0}})
    assert data.grades.max() == 2


def test_unknown_queries_leave_nothing_to_learn():
    with pytest.raises(NothingToLearn, match="agree"):
        from_judgments(engine(), engine().queries, {"other": {"d1": 1.0}})


def test_clicks_bring_logged_vectors_and_unshown_candidates_as_weak_negatives(tmp_path):
    with ClickLog(tmp_path / "clicks.sqlite3") as log:
        simulate(engine(), log, engine().queries, engine().judgments, "pbm", 2000, 1, model="none", depth=10)
        clicks = read_clicks(log, engine().feature_fingerprint)
    targets = estimate_relevance(clicks)
    shown_only, data = from_clicks(clicks, targets, None), from_clicks(clicks, targets, engine())
    assert len(shown_only) == len(clicks.row_key) < len(data)
    for q, (start, end) in enumerate(zip(data.bounds, data.bounds[1:])):
        known = shown_only.bounds[q + 1] - shown_only.bounds[q]
        assert data.x[start : start + known].tobytes() == shown_only.x[shown_only.bounds[q] : shown_only.bounds[q + 1]].tobytes()
        assert end - start - known <= UNSHOWN and len(set(data.keys[start:end])) == end - start
        assert (data.grades[start + known : end] <= np.median(data.grades[start : start + known])).all()


def test_folds_are_balanced_and_repeatable():
    fold = fold_of([str(i) for i in range(23)], 5)
    assert sorted(np.bincount(fold)) == [4, 4, 5, 5, 5] and (fold == fold_of([str(i) for i in range(23)], 5)).all()
