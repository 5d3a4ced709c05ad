"""Retrieval equals exhaustive scoring to the bit, over many small collections in which every tier of terms occurs.

Documents with terms stand far apart among empty ones, so that a few dozen of them fill several superblocks, and the borders between tiers are
moved down to where a few documents reach them.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from exhaustive import Exhaustive
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracle import Oracle
from small_index import SmallIndex, schema_of

from indexer.postings import Tiers
from searchd.retrieval import Retriever

WORDS = ["a", "b", "c", "d", "e", "f", "\x01中", "\x02中国"]
QUERIES = 10  # queries a collection
NONE, SOME, ALL = 1e-9, 400.0, 1e9
TIERS = st.sampled_from(
    [
        Tiers(),
        Tiers(4, NONE, NONE),
        Tiers(4, ALL, NONE),
        Tiers(4, SOME, NONE),
        Tiers(4, ALL, ALL),
        Tiers(4, ALL, SOME),
        Tiers(12, SOME, SOME),
    ]
)


def documents(rng: np.random.Generator, num_fields: int) -> list[list[list[str]]]:
    """Up to some 80 documents with terms among up to 13,000; frequencies from 1 to beyond 15, many documents alike."""
    chances = 1.0 / np.arange(1, len(WORDS) + 1)
    chances /= chances.sum()
    kinds = []
    for _ in range(int(rng.integers(1, 25))):
        words = rng.choice(WORDS, (num_fields, int(rng.integers(1, 7))), p=chances)
        kinds.append([[str(w) for w in row for _ in range(int(rng.choice([1, 1, 1, 2, 14, 15, 16, 40])))] for row in words])
    found: list[list[list[str]]] = []
    for _ in range(int(rng.integers(1, 80))):
        found += [[[] for _ in range(num_fields)]] * int(rng.choice([0, 0, 1, 63, 700]))
        found.append(kinds[int(rng.integers(len(kinds)))])
    return found[:13_000]


def check_collection(seed: int, num_fields: int, tiers: Tiers, cut: bool, deletes: bool) -> None:
    rng = np.random.default_rng(seed)
    found = documents(rng, num_fields)
    deleted = set(rng.integers(0, len(found), 20).tolist()) if deletes else None
    oracle = Oracle(found, schema_of(num_fields), deleted)
    cuts = sorted(set(rng.integers(0, len(found), 2).tolist())) if cut else []
    retriever, exhaustive = Retriever(SmallIndex(oracle, cuts, tiers=tiers)), Exhaustive(oracle)
    for _ in range(QUERIES):
        terms = [str(t) for t in rng.choice([*WORDS, "absent"], int(rng.integers(1, 6)), replace=False)]
        weights = [float(w) for w in rng.choice([1.0, 1.0, 0.1, 3.0], len(terms))]
        k = int(rng.choice([1, 2, 5, 10, 64, 65, 1000]))
        mode = str(rng.choice(["or", "and"]))
        required = terms[: int(rng.integers(1, len(terms) + 1))] if mode == "and" else None
        docs, scores = retriever.top(terms, weights, k, mode, required)
        expected_docs, expected_scores = exhaustive.top(terms, weights, k, mode, required)
        assert docs.tolist() == expected_docs, (terms, weights, k, mode, required)
        assert scores.tolist() == expected_scores, (terms, weights, k, mode, required)
        assert np.flatnonzero(retriever.matches_all(terms)).tolist() == oracle.candidates(terms, weights, "and", None)


COLLECTIONS = given(st.integers(0, 2**32), st.sampled_from([1, 1, 2, 3]), TIERS, st.booleans(), st.booleans())


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@COLLECTIONS
def test_every_ranking_is_that_of_exhaustive_scoring(seed, num_fields, tiers, cut, deletes):
    check_collection(seed, num_fields, tiers, cut, deletes)


@pytest.mark.slow
@settings(deadline=None, max_examples=1000, suppress_health_check=[HealthCheck.too_slow])
@COLLECTIONS
def test_ten_thousand_rankings_are_those_of_exhaustive_scoring(seed, num_fields, tiers, cut, deletes):
    check_collection(seed, num_fields, tiers, cut, deletes)


@pytest.mark.slow
def test_processors_without_wide_vectors_rank_alike():
    """The same in a process whose code is compiled for the oldest processor of this kind."""
    code = """
from test_exactness import ALL, NONE, SOME, Tiers, check_collection
for seed in range(40):
    check_collection(seed, 1 + seed % 2, [Tiers(), Tiers(4, ALL, SOME), Tiers(4, SOME, NONE)][seed % 3], seed % 5 == 0, seed % 7 == 0)
"""
    environment = os.environ | {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": "", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parent, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
