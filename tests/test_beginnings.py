"""Where words may begin: the kernel against a plain reading of the text."""

import re

from hypothesis import example, given
from hypothesis import strategies as st

from indexer.beginnings import pack_beginnings, places_of
from indexer.words import WORD_RUN

LETTERS = st.text(st.sampled_from("abAB1',. \n(\")!?-_"), max_size=30)
WANTED = st.lists(st.text(st.sampled_from("ab1."), min_size=1, max_size=3), min_size=1, max_size=4)


def naive_places(text, wanted):
    """By the rule: what is removed is nothing, letters go on behind letters unless they are capitals, digits behind digits."""
    found = set()
    for at, here in enumerate(text):
        rest, before = text[at:].replace("'", "").replace(",", "").lower(), text[at - 1 : at]
        goes_on = (here.isalpha() and before.isalpha() and not here.isupper()) or (here.isdigit() and before.isdigit())
        if here not in "'," and not goes_on and rest.startswith(tuple(wanted)):
            found.add(at)
    return sorted(found)


@given(LETTERS, WANTED)
@example("a'b,a", ["ab"])
def test_places_are_those_of_a_plain_reading(text, wanted):
    assert [at for at, _ in places_of(text.encode(), pack_beginnings(wanted))] == naive_places(text, wanted)


@given(LETTERS, WANTED)
def test_a_common_word_is_a_run_of_letters_and_nothing_more(text, wanted):
    runs = {run.start(): run for run in WORD_RUN.finditer(text)}
    for at, end in places_of(text.encode(), pack_beginnings(wanted)):
        if end:
            assert runs[at].end() == end and re.fullmatch("[A-Za-z]+", runs[at][0])


def test_the_common_word_is_found_to_its_end():
    text = 'Graphs (graph) "graph" graph. graph!\ngraph-like graph2 graph\'s graph'
    ends = [text[at:end] for at, end in places_of(text.encode(), pack_beginnings(["graph"]))]
    assert ends == ["Graphs", "graph", "graph", "graph", "graph", "", "", "", "graph"]
