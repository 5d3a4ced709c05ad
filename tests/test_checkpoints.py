"""A training that is killed goes on where it was and ends with the same bytes."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from ranker.boosting import STRETCH, joined
from ranker.checkpoints import Checkpoints, job_name
from ranker.families import family
from ranker.lightgbm_text import parse_model


def rows(seed=0, queries=30, docs=10):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(queries * docs, 5)).astype(np.float32)
    grades = np.clip(np.round(x[:, 0] + x[:, 1] * x[:, 2] + rng.normal(size=len(x))), 0, 3).astype(np.float32)
    return x, grades, np.full(queries, docs)


class Stopped(Exception):
    pass


def stop_after(rounds):
    def seen(done, trees):
        if done >= rounds:
            raise Stopped
        return False

    return seen


@pytest.mark.parametrize(
    ("name", "objective"), [("pointwise", None), ("pairwise", None), ("listwise", None), ("listwise", "listmle"), ("ensemble", None)]
)
@pytest.mark.parametrize("stopped_after", [STRETCH, 2 * STRETCH])
def test_an_interrupted_training_ends_with_the_same_bytes(name, objective, stopped_after, tmp_path):
    make = lambda **more: family(name)(objective, rounds=3 * STRETCH - 5, **more)  # noqa: E731
    expected = make().fit(*rows()).text_
    checkpoints = Checkpoints(tmp_path / "kept")
    with pytest.raises(Stopped):
        make(checkpoints=checkpoints, seen=stop_after(stopped_after)).fit(*rows())
    before = sorted(path.stat().st_mtime_ns for path in (tmp_path / "kept").rglob("*.txt"))
    assert make(checkpoints=checkpoints).fit(*rows()).text_ == expected
    assert sorted(path.stat().st_mtime_ns for path in (tmp_path / "kept").rglob("*.txt"))[: len(before)] == before
    checkpoints.remove()
    assert not (tmp_path / "kept").exists()


def test_other_data_or_settings_never_meet_a_checkpoint(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    texts = {
        family("pairwise")(rounds=10, checkpoints=checkpoints, **more).fit(*rows(seed)).text_
        for seed, more in ((0, {}), (1, {}), (0, {"random_state": 1}), (0, {"num_leaves": 5}), (0, {"learning_rate": 0.2}))
    }
    assert len(texts) == 5 and len(list(tmp_path.iterdir())) == 5
    a = np.arange(4.0)
    assert (
        len({job_name({}, a), job_name({}, a.reshape(2, 2)), job_name({}, a.astype(np.float32)), job_name({}, None), job_name({"b": 1}, a)})
        == 5
    )


def test_a_damaged_checkpoint_is_grown_again(tmp_path):
    make = lambda: family("pairwise")(rounds=2 * STRETCH, checkpoints=Checkpoints(tmp_path)).fit(*rows()).text_  # noqa: E731
    expected = make()
    next(tmp_path.rglob("0000.txt")).write_bytes(b"tree\nversion=v4\n\xff")
    assert make() == expected


def test_joined_trees_are_numbered_and_add_up():
    x, grades, group = rows()
    texts = [family("pointwise")(rounds=n, random_state=n).fit(x, grades, group).text_ for n in (3, 5)]
    model = parse_model(joined(texts))
    assert len(model.trees) == 8
    assert [tree.values.tolist() for tree in model.trees] == [t.values.tolist() for text in texts for t in parse_model(text).trees]


LETOR = "".join(f"{(i * 7 + q) % 3} qid:{q} 1:{(i * 7 + q) % 3 + i % 2} 2:{i % 5} 3:{(i * q) % 4}\n" for q in range(40) for i in range(20))
TRAIN = "from searchd.programs import ranker; ranker()"


def test_a_killed_process_goes_on_and_gives_the_same_model(tmp_path):
    (tmp_path / "rows.txt").write_text(LETOR)
    words = [sys.executable, "-c", TRAIN, "train", "--letor", tmp_path / "rows.txt", "--family", "pairwise", "--output"]
    whole = subprocess.run([*words, tmp_path / "whole"], check=True, capture_output=True, text=True)
    assert "held-out nDCG@10" in whole.stderr
    process = subprocess.Popen([*words, tmp_path / "killed"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    kept, deadline = tmp_path / ".killed.training", time.monotonic() + 120
    while len(list(kept.rglob("*.txt"))) < 23 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert kept.exists() and not (tmp_path / "killed").exists()
    again = subprocess.run([*words, tmp_path / "killed"], check=True, capture_output=True, text=True)
    assert "going on from the checkpoints" in again.stderr
    for name in ("model.txt", "card.json", "golden.json"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert not kept.exists()
