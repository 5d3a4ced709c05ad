"""A model file that changed on disk is never activated, never crashes the process, and never changes a score that is served."""

import random

import numpy as np
import pytest
from mutations import mutate
from small_models import NAMES, rows, small_model

from indexer.errors import SearchdError
from indexer.home import Home
from ranker.featureset import FeatureSet
from ranker.importing import trained_elsewhere
from ranker.registry import Registry


@pytest.mark.parametrize("count", [100, pytest.param(1000, marks=pytest.mark.slow)])
def test_mutated_models_are_never_activated_and_change_no_score(tmp_path, count):
    registry = Registry(Home.at(tmp_path))
    for _ in range(2):
        registry.publish(small_model(), {}, "a")
    registry.activate("a", "v0001")
    served, (x, _) = registry.load(), rows(50, seed=5)
    before = served.score(x).tobytes()
    path, rng, activated = registry.folder / "a" / "v0002" / "model.txt", random.Random(count), 0
    original = path.read_text()
    for _ in range(count):
        broken = mutate(original, rng) if rng.random() < 0.8 else _flipped(original, rng)
        if broken == original:
            continue
        path.write_bytes(broken.encode("utf-8", "surrogateescape"))
        try:
            registry.activate("a", "v0002")
            activated += 1
        except SearchdError:
            pass
        assert registry.active() == ("a", "v0001")
    assert activated == 0 and served.score(x).tobytes() == before == registry.load().score(x).tobytes()
    assert [entry.damaged is None for entry in registry.entries()] == [True, False]


def _flipped(text, rng):
    """Single bits turned over, as a bad disk does; bytes that are no text stay bytes."""
    data = bytearray(text.encode())
    for _ in range(rng.randrange(1, 4)):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return data.decode("utf-8", "surrogateescape")


@pytest.mark.parametrize("count", [100, pytest.param(1000, marks=pytest.mark.slow)])
def test_mutated_text_models_are_refused_or_imported_whole(count):
    """Nothing tells a changed leaf value from a true one; but what is taken scores every row with a finite number."""
    original, rng, refused = small_model().text.replace("Column_0 Column_1 Column_2", " ".join(NAMES)), random.Random(count), 0
    for _ in range(count):
        try:
            trained = trained_elsewhere(mutate(original, rng), FeatureSet(NAMES, ()), "m.txt")
        except SearchdError:
            refused += 1
        else:
            assert np.isfinite(trained.golden_scores).all()
    assert refused > count / 3
