"""Where words may begin: the kernel against a plain reading of the text."""

import re

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from indexer.beginnings import begins, common_end, find_runs, may_start, pack_beginnings
from indexer.characters import characters
from indexer.code_points import codes_of
from indexer.words import WORD_RUN

LETTERS = st.text(st.sampled_from("abAB1',. \n(\")!?-_"), max_size=30)
WANTED = st.lists(st.text(st.sampled_from("ab1."), min_size=1, max_size=3), min_size=1, max_size=4)


def naive_places(text, wanted):
    """By the rule: what is skipped is nothing, letters go on behind letters unless they are capitals, digits behind digits."""
    found = set()
    for at, here in enumerate(text):
        before = text[at - 1 : at]
        goes_on = (here.isalpha() and before.isalpha() and not here.isupper()) or (here.isdigit() and before.isdigit())
        if not goes_on and any(one[0] == here.lower() and naive_begins(text[at:], one) for one in wanted):
            found.add(at)
    return sorted(found)


def naive_begins(text, beginning):
    """Whether a text begins so; apostrophes, commas and dots that are not asked for are skipped."""
    for char in text:
        if char.lower() == beginning[0]:
            beginning = beginning[1:]
        elif char not in "',.":
            return False
        if not beginning:
            return True
    return False


def runs_of(text, wanted):
    codes = codes_of(text)
    tables = pack_beginnings(wanted), False, characters().kinds
    return list(map(tuple, find_runs(codes, codes, np.array([0, len(codes)]), np.zeros(1, np.int64), *tables).tolist()))


@given(LETTERS, WANTED)
@example("a'b,a A.b", ["ab"])
def test_places_are_those_of_a_plain_reading(text, wanted):
    codes, packed = codes_of(text), pack_beginnings(wanted)
    places = [at for at in range(len(text)) if may_start(codes, 0, at) and begins(codes, at, len(text), packed)]
    assert [at for at in places if text[at].lower() in {one[0] for one in wanted}] == naive_places(text, wanted)


@given(LETTERS, WANTED)
def test_runs_are_those_with_a_place(text, wanted):
    runs, places = [run.span() for run in WORD_RUN.finditer(text)], naive_places(text, wanted)
    found = runs_of(text, wanted)
    assert set(found) <= set(runs) and found == sorted(found)
    assert set(found) >= {(start, end) for start, end in runs if any(start <= at < end for at in places)}


@given(LETTERS, WANTED)
def test_a_common_word_is_a_run_of_letters_and_nothing_more(text, wanted):
    runs = {run.start(): run for run in WORD_RUN.finditer(text)}
    for at in naive_places(text, wanted):
        end = common_end(codes_of(text), 0, at, len(text))
        if end:
            assert runs[at].end() == end and re.fullmatch("[A-Za-z]+", runs[at][0])


def test_the_common_word_is_found_to_its_end():
    text = 'Graphs (graph) "graph" graph. graph!\ngraph-like graph2 graph\'s graph'
    ends = [text[at : common_end(codes_of(text), 0, at, len(text))] for at in naive_places(text, ["graph"])]
    assert ends == ["Graphs", "graph", "graph", "graph", "graph", "", "", "", "graph"]
