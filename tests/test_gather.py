"""Gathered postings against a sort of everything in Python."""

import numpy as np
import pytest
from core_index import SCHEMA, WORDS
from hypothesis import given
from hypothesis import strategies as st

from indexer.documents import Document
from indexer.gather import Gatherer
from indexer.inverter import invert
from indexer.schema import Schema
from indexer.vocabulary import unite

TEXTS = st.lists(st.sampled_from([*WORDS, "中文"]), max_size=5).map(" ".join)
BATCHES = st.lists(st.lists(st.tuples(TEXTS, TEXTS, st.integers(0, 4)), min_size=1, max_size=6), max_size=4)
HAN = Schema.from_dict({"fields": {"title": {"type": "text"}, "body": {"type": "text"}}})


def naive(runs, numbers, terms):
    """term -> [(document, frequencies)] of all runs; Chinese words have none."""
    lists = {term: [] for term in terms}
    for run, new in zip(runs, numbers):
        for t, term in enumerate(run.terms.texts()):
            for i in range(run.ptr[t], run.ptr[t + 1]):
                if new[run.docs[i]] >= 0 and term[0] != "\x03":
                    lists[term].append((int(new[run.docs[i]]), run.tfs[i].tolist()))
    return [lists[term] for term in terms]


@pytest.mark.parametrize("at_once", [1, 3, 1 << 18])
@pytest.mark.parametrize("schema", [SCHEMA, HAN], ids=["whitespace", "han"])
@given(batches=BATCHES)
def test_every_posting_of_kept_documents_is_gathered_once(at_once, schema, batches):
    runs = [invert([Document(f"{i}", {"title": a, "body": b}) for i, (a, b, _) in enumerate(batch)], schema) for batch in batches]
    kept = [np.array([keep > 0 for *_, keep in batch]) for batch in batches]
    all_kept = np.concatenate([np.zeros(0, bool), *kept])
    new = np.where(all_kept, np.cumsum(all_kept) - 1, -1).astype(np.int32)
    numbers = np.split(new, np.cumsum([len(batch) for batch in batches])[:-1]) if batches else []
    vocabulary = unite(runs, kept)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("indexer.gather.POSTINGS_AT_ONCE", at_once)
        gatherer = Gatherer(runs, numbers, vocabulary)
        codes = gatherer.codes()
        half = len(vocabulary) // 2
        stretches = [*gatherer.stretches(0, half), *gatherer.stretches(half, len(vocabulary))]
    found = [
        list(zip(one.docs[start:stop].tolist(), one.tfs[start:stop].tolist()))
        for one in stretches
        for start, stop in zip(one.starts, one.starts[1:])
    ]
    texts = vocabulary.terms.texts()
    expected = naive(runs, numbers, [texts[i] for i in np.argsort(vocabulary.ids)])
    assert found == expected
    tuples = [tuple(tf) for postings in expected for _, tf in postings]
    counted = {tuple(row): int(count) for row, count in zip(codes.ordered[1:].tolist(), codes.counts[1:])}
    assert counted == {each: tuples.count(each) for each in set(tuples)}
