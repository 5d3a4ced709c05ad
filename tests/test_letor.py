"""LETOR files in and out, and lines that are not LETOR."""

import gzip

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shared_data import shared

from ranker.letor import InvalidLetor, parse_line, read_letor, write_letor

LINES = "2 qid:7 1:0.5 3:-1e-3 # docid = A inc = 1\n0 qid:7 2:1 # B\n\n# a comment\n1 qid:8 1:2\n"


def write(tmp_path, text, name="data.txt"):
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith("gz") else text.encode())
    return path


@pytest.mark.parametrize("name", ["data.txt", "data.txt.gz"])
def test_reads_grades_groups_features_and_keys(tmp_path, name):
    data = read_letor(write(tmp_path, LINES, name))
    assert data.x.tolist() == [[0.5, 0, pytest.approx(-1e-3)], [0, 1, 0], [2, 0, 0]]
    assert data.grades.tolist() == [2, 0, 1] and data.group.tolist() == [2, 1]
    assert data.qids == ["7", "8"] and data.keys == ["A", "B", ""] and data.features.names == ("f1", "f2", "f3")


def test_what_is_written_reads_back(tmp_path):
    data = read_letor(write(tmp_path, LINES))
    write_letor(tmp_path / "again.txt", data)
    again = read_letor(tmp_path / "again.txt")
    assert again.x.tobytes() == data.x.tobytes() and again.qids == data.qids and again.keys == data.keys
    assert again.grades.tobytes() == data.grades.tobytes()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("x qid:1 1:2", "expected 'grade"),
        ("1 qid:1 0:2", "indices"),
        ("1 qid:1 1:2 1:3", "indices"),
        ("1 qid:1 1:inf", "finite"),
        ("1 qid:1 1:-1e39", "finite"),
        ("-1 qid:1 1:2", "grades"),
        ("nan qid:1 1:2", "grades"),
        ("1 qid:1 1:", "expected 'grade"),
        ("1 qid:1 1=2", "expected 'grade"),
        ("1 qid:1 999999999999:1", "indices"),
    ],
)
def test_bad_lines_are_refused_with_their_place(tmp_path, line, reason):
    path = write(tmp_path, f"0 qid:1 1:1\n{line}\n")
    with pytest.raises(InvalidLetor, match=f"data.txt:2.*{reason}"):
        read_letor(path)


def test_scattered_queries_missing_groups_and_missing_files_are_refused(tmp_path):
    with pytest.raises(InvalidLetor, match="stand together"):
        read_letor(write(tmp_path, "0 qid:1 1:1\n0 qid:2 1:1\n0 qid:1 1:1\n"))
    with pytest.raises(InvalidLetor, match="group sizes"):
        read_letor(write(tmp_path, "0 1:1\n"))
    with pytest.raises(InvalidLetor, match="cannot be read"):
        read_letor(tmp_path / "absent.txt")
    with pytest.raises(InvalidLetor, match="found none"):
        read_letor(write(tmp_path, "# nothing\n"))
    with pytest.raises(InvalidLetor, match="2 features, found index 3"):
        read_letor(write(tmp_path, LINES), 2)


@given(st.text(max_size=80))
def test_any_text_is_a_row_or_a_clear_error(text):
    if text.partition("#")[0].strip():
        try:
            parse_line(text, "here")
        except InvalidLetor as error:
            assert "here" in str(error)


def test_reads_the_public_sets():
    data = read_letor(shared("ltr/letor4-mq2008/S1.txt.gz"))
    assert data.x.shape == (2933, 46) and data.keys[0] == "GX008-86-4444840"
    data = read_letor(shared("ltr/lightgbm-lambdarank/rank.test.gz"))
    assert data.x.shape[0] == 768 and len(data.group) == 50 and np.isfinite(data.x).all()
