"""Sessions on disk are those that were written, and teach what those in memory teach."""

import numpy as np
import pytest
from click_worlds import make_world
from hypothesis import given
from hypothesis import strategies as st

from ranker.browsing_models import PBM, UBM
from ranker.click_models import NaiveCTR
from ranker.reading_models import DBN, SDBN
from ranker.session_store import SessionStoreError, StoredSessions, store_sessions
from ranker.sessions import Sessions


def drawn(seed, count):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 21, count)
    ranks = np.concatenate([np.arange(n) for n in lengths] or [np.zeros(0)]).astype(np.int32)
    rows = rng.integers(0, 300, len(ranks)).astype(np.int32)
    return Sessions(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64), rows, ranks, rng.random(len(ranks)) < 0.2)


@given(seed=st.integers(0, 1000), count=st.integers(0, 30), size=st.integers(1, 12))
def test_sessions_come_back_block_by_block(tmp_path_factory, seed, count, size):
    sessions = drawn(seed, count)
    store = store_sessions(tmp_path_factory.mktemp("store"), [sessions], 300)
    blocks = list(store.blocks(size))
    assert len(store) == len(sessions) == sum(len(block) for block in blocks)
    for name in ("rows", "ranks", "clicked"):
        np.testing.assert_array_equal(np.concatenate([getattr(b, name) for b in blocks] or [[]]), getattr(sessions, name))
    lengths = [n for block in blocks for n in np.diff(block.offsets)]
    assert lengths == np.diff(sessions.offsets).tolist()


@pytest.mark.parametrize("model", [NaiveCTR(), PBM(iterations=5), UBM(iterations=5), SDBN(), DBN(iterations=5)])
def test_a_stored_log_teaches_the_same_as_one_in_memory(tmp_path, monkeypatch, model):
    monkeypatch.setattr(StoredSessions.blocks, "__defaults__", (1_000,))
    data = make_world("ubm", sessions=5_000).data
    store = store_sessions(tmp_path, data.blocks(), data.num_rows)
    np.testing.assert_array_equal(store.shown, data.shown)
    np.testing.assert_array_equal(store.clicked, data.clicked)
    stored = model.fit(store).attractiveness_
    np.testing.assert_allclose(stored, model.fit(data).attractiveness_, rtol=1e-9)


def test_a_session_too_long_is_refused(tmp_path):
    long = Sessions(np.array([0, 256]), np.zeros(256, np.int32), np.arange(256, dtype=np.int32), np.zeros(256, bool))
    with pytest.raises(SessionStoreError, match="at most 255"):
        store_sessions(tmp_path, [long], 1)


def test_files_that_do_not_belong_together_are_refused(tmp_path):
    store_sessions(tmp_path, [drawn(0, 5)], 300)
    with open(tmp_path / "ranks.u1", "ab") as file:
        file.write(b"\0")
    with pytest.raises(SessionStoreError, match=r"ranks\.u1"):
        StoredSessions(tmp_path, 300)
