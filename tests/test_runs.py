"""TREC runs: what an evaluator reads back is the order that was served."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from searchd.runs import OutputError, encode_id, falling_scores, run_lines, run_of, save_run


@given(st.lists(st.floats(-1e6, 1e6), max_size=50))
def test_scores_fall_strictly_as_float32_and_as_text(values):
    scores = np.sort(np.array(values, np.float32))[::-1]
    falling = falling_scores(scores)
    assert (np.diff(falling) < 0).all()
    assert np.allclose(falling, scores, rtol=1e-4, atol=1e-4)
    read = [float(line.split()[4]) for line in run_lines("q", [str(i) for i in range(len(scores))], scores, "t")]
    assert all(a > b for a, b in zip(read, read[1:]))
    assert np.float32(read).tolist() == falling.tolist()


def test_scores_that_fall_already_are_kept():
    scores = np.array([3.5, 2.25, -1.0], np.float32)
    assert falling_scores(scores).tolist() == scores.tolist()
    assert falling_scores(np.zeros(0)).tolist() == []


@given(st.text(min_size=1, max_size=20).filter(lambda key: key.isprintable() or " " in key))
def test_a_line_has_six_parts_whatever_the_id(key):
    (line,) = run_lines("q 1", [key], np.array([1.0]), "tag")
    assert line.split() == ["q%201", "Q0", encode_id(key), "1", "1", "tag"]


def test_only_white_space_is_encoded():
    assert encode_id("a b\u3000c\td") == "a%20b%E3%80%80c%09d"
    assert encode_id("https://x.org/a%20b?c=d#中") == "https://x.org/a%20b?c=d#中"


class FakeEngine:
    def rank(self, text, depth, model, features):
        keys = ["b", "a"][:depth] if text == "both" else []
        return SimpleNamespace(keys=keys, scores=np.ones(len(keys)))


def test_queries_without_text_or_results_give_no_line(tmp_path):
    queries = {"1": "both", "2": "", "3": "  ", "4": "nothing"}
    lines = [line for qid, keys, scores in run_of(FakeEngine(), queries, 10, "none") for line in run_lines(qid, keys, scores, "t")]
    assert [line.split()[:4] for line in lines] == [["1", "Q0", "b", "1"], ["1", "Q0", "a", "2"]]
    assert save_run(lines, str(tmp_path / "run")) == 2
    assert (tmp_path / "run").read_text() == "\n".join(lines) + "\n"


def test_a_run_that_fails_leaves_what_was_there(tmp_path):
    path = tmp_path / "run"
    path.write_text("old")

    def lines():
        yield "new"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        save_run(lines(), str(path))
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]
    with pytest.raises(OutputError, match="can be written"):
        save_run([], str(tmp_path / "no" / "run"))


def test_runs_can_go_to_stdout(capsys):
    assert save_run(["a", "b"], "-") == 2
    assert capsys.readouterr().out == "a\nb\n"
