"""Drafts: fair, whole, the same for the same chance, and credited without bias."""

from itertools import permutations
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranker.interleaving import DEEP, margins, preference, team_draft

rankings = st.integers(2, 5).flatmap(lambda rankers: st.integers(0, 12).flatmap(lambda docs: several(rankers, docs)))


def several(rankers, docs):
    return st.lists(st.permutations(range(docs)).map(lambda one: np.array(one, np.int64)), min_size=rankers, max_size=rankers)


@given(rankings, st.integers(0, 15), st.integers())
def test_a_draft_is_a_list_of_different_documents_and_its_longer_form_begins_with_it(found, length, seed):
    draft = team_draft(found, length, Random(seed))
    assert len(draft.docs) == min(length, len(found[0])) == len(set(draft.docs.tolist())) == len(draft.teams)
    longer = team_draft(found, length + 3, Random(seed))
    assert longer.docs[: len(draft.docs)].tolist() == draft.docs.tolist()


@given(rankings, st.integers())
def test_every_ranker_gives_its_best_document_that_is_left(found, seed):
    draft = team_draft(found, len(found[0]), Random(seed), shared=False)
    taken = set()
    for doc, team in zip(draft.docs.tolist(), draft.teams):
        assert doc == next(d for d in found[int(team)].tolist() if d not in taken)
        taken.add(doc)
    for start in range(0, len(draft.docs) - len(found) + 1, len(found)):
        assert len(set(draft.teams[start : start + len(found)])) == len(found)


def all_drafts(first, second):
    """(list, teams) of every draft between two rankers, all as likely, by hand."""
    found = [((), "")]
    while len(found[0][0]) < len(first):
        found = [extended(docs, teams, order, first, second) for docs, teams in found for order in permutations((0, 1))]
    return found


def extended(docs, teams, order, first, second):
    for number in order:
        left = [doc for doc in (first, second)[number] if doc not in docs]
        if left:
            docs, teams = (*docs, left[0]), teams + str(number)
    return docs, teams


@pytest.mark.parametrize("second", list(permutations(range(4))))
def test_documents_of_nobody_are_those_whose_credit_is_even_given_the_list(second):
    drafts = all_drafts(range(4), second)
    for seed in range(20):
        draft = team_draft([np.arange(4), np.array(second)], 4, Random(seed))
        same = [teams for docs, teams in drafts if list(docs) == draft.docs.tolist()]
        assert same
        for place, team in enumerate(draft.teams):
            share = np.mean([teams[place] == "1" for teams in same])
            assert share == (0.5 if team == "-" else float(team))


def test_a_ranker_against_itself_has_teams_all_the_same():
    one = np.arange(10)
    assert team_draft([one, one], 10, Random(1)).teams == "-" * 10
    assert sorted(team_draft([one, one], 10, Random(1), shared=False).teams) == ["0"] * 5 + ["1"] * 5


def test_dropped_rankers_give_nothing():
    found = [np.arange(6), np.arange(6)[::-1], np.array([3, 1, 2, 0, 5, 4])]
    assert set(team_draft(found, 6, Random(0), alive=[0, 2]).teams) <= {"0", "2", "-"}


@given(rankings, st.integers())
def test_a_round_weighs_what_the_ranks_of_its_documents_tell_apart(found, seed):
    draft = team_draft(found, len(found[0]), Random(seed))
    for start in range(0, len(draft.docs), len(found)):
        round_ = draft.docs[start : start + len(found)].tolist()
        ranks = np.array([[min(one.tolist().index(doc) + 1, DEEP) for one in found] for doc in round_])
        expected = np.log(ranks.max(axis=1) / ranks.min(axis=1)).mean()
        assert draft.weights[start : start + len(found)] == pytest.approx(expected, abs=1e-6)
    assert all(weight > 0 for weight, team in zip(draft.weights, draft.teams) if team != "-")


def test_a_ranker_against_itself_weighs_all_clicks_alike():
    one = np.arange(10)
    assert team_draft([one, one], 10, Random(1), shared=False).weights.tolist() == [1.0] * 10


def test_the_margin_of_a_session_is_bounded():
    assert margins(np.array([[0.0, 2.5], [40.0, 1.0], [0.5, 90.0]])).tolist() == [[2.5], [-6.0], [6.0]]


def test_a_session_counts_once():
    assert preference(np.array([[0, 3], [2, 2], [1, 0]])).tolist() == [[1], [0], [-1]]
    assert preference(np.array([[1, 3, 0]])).tolist() == [[1, -1]]
