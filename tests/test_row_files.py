"""Judged rows as LETOR, CSV and TSV: what is written is read back, LightGBM reads it too, and what cannot be read is told with its line."""

import gzip
import json

import lightgbm
import numpy as np
import pytest
from click.testing import CliRunner
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from ranker.cli import program
from ranker.featureset import FeatureSet
from ranker.forest import build_forest
from ranker.importing import trained_elsewhere
from ranker.letor import InvalidLetor
from ranker.lightgbm_text import parse_model
from ranker.row_files import read_rows, write_rows
from ranker.training_set import TrainingSet

values = st.floats(width=32, allow_infinity=False)
words = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]), min_size=1, max_size=5)
NAMES = ("whole_bm25", "column.year", "own.freshness")


@st.composite
def sets(draw):
    """A few queries of a few rows."""
    qids = draw(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=6), min_size=1, max_size=4, unique=True))
    qids = [qid for qid in qids if qid not in ("", "_")] or ["q"]
    group = draw(st.lists(st.integers(1, 3), min_size=len(qids), max_size=len(qids)))
    n = sum(group)
    x = np.array(draw(st.lists(st.lists(values, min_size=3, max_size=3), min_size=n, max_size=n)), np.float32)
    grades = np.array(draw(st.lists(st.floats(0, 30, width=32), min_size=n, max_size=n)), np.float32)
    keys = draw(st.lists(words, min_size=n, max_size=n))
    return TrainingSet(x, grades, np.ones(n, np.float32), np.array(group), qids, keys, FeatureSet.plain(NAMES), soft=False)


@pytest.mark.parametrize("name", ["rows.txt", "rows.csv", "rows.tsv"])
@given(data=sets())
@settings(max_examples=examples(40), deadline=None)
def test_what_is_written_is_read_back(tmp_path_factory, name, data):
    path = tmp_path_factory.mktemp("rows") / name
    write_rows(path, data)
    again = read_rows(path)
    np.testing.assert_array_equal(again.x, data.x)
    np.testing.assert_array_equal(again.grades, data.grades)
    assert again.group.tolist() == data.group.tolist()
    if name == "rows.txt":
        assert again.qids == data.qids
    else:
        assert again.features.names == NAMES and again.qids == [str(q + 1) for q in range(len(data.qids))]


def example(rows=240, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 3)).astype(np.float32)
    x[rng.random(x.shape) < 0.1] = np.nan
    grades = (np.nan_to_num(x[:, 0]) > 0.3).astype(np.float32)
    qids = [f"query {q}" for q in range(rows // 12)]
    return TrainingSet(
        x, grades, np.ones(rows, np.float32), np.full(rows // 12, 12), qids, [f"d{i}" for i in range(rows)], FeatureSet.plain(NAMES), False
    )


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
def test_lightgbm_reads_what_is_written(tmp_path, suffix):
    data, path = example(), tmp_path / f"rows{suffix}"
    write_rows(path, data)
    given = lightgbm.Dataset(str(path), params={"header": True, "verbose": -1}).construct()
    assert given.get_feature_name() == list(NAMES) and given.num_data() == len(data)
    np.testing.assert_array_equal(given.get_label(), data.grades)
    np.testing.assert_array_equal(np.diff(given.get_field("group")), data.group)
    booster = lightgbm.train({"objective": "lambdarank", "header": True, "verbose": -1}, given, 3)
    trained = trained_elsewhere(booster.model_to_string(), data.features, "model.txt")
    np.testing.assert_array_equal(
        build_forest(parse_model(trained.text, "model.txt")).score(data.x), booster.predict(data.x, raw_score=True)
    )


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".csv.gz"])
def test_files_without_a_header_are_those_of_lightgbm_s_examples(tmp_path, suffix):
    path, comma = tmp_path / f"rank.train{suffix}", "\t" if ".tsv" in suffix else ","
    text = "".join(comma.join(row) + "\n" for row in [("1", "0.5", "na"), ("0", "", "2"), ("2", "1e-3", "NaN")]).encode()
    path.write_bytes(gzip.compress(text) if suffix.endswith(".gz") else text)
    with pytest.raises(InvalidLetor, match="need group sizes in"):
        read_rows(path)
    (tmp_path / (path.name.removesuffix(".gz") + ".query")).write_text("2\n1\n")
    data = read_rows(path)
    np.testing.assert_array_equal(data.x, np.array([[0.5, np.nan], [np.nan, 2], [1e-3, np.nan]], np.float32))
    assert data.grades.tolist() == [1, 0, 2] and data.group.tolist() == [2, 1] and data.features.names == ("f1", "f2")


def test_columns_stand_in_any_order(tmp_path):
    (tmp_path / "rows.csv").write_text("docid,a,query,grade,b\nx,1,q1,2,3\n\ny,4,q1,0,6\nz,,q2,1,\n")
    data = read_rows(tmp_path / "rows.csv")
    assert data.keys == ["x", "y", "z"] and data.qids == ["q1", "q2"] and data.features.names == ("a", "b")
    assert data.x[:2].tolist() == [[1, 3], [4, 6]] and np.isnan(data.x[2]).all()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "found none"),
        ("label,qid,a\n", "found none"),
        ("a,qid,b\nx,1,2\n", ":1: expected a column named label"),
        ("label,qid,a,a\n1,1,2,3\n", ":1: expected distinct names"),
        ("label,qid\n1,1\n", "expected 1 to 100000 columns"),
        ("1\n0\n", "expected 1 to 100000 columns"),
        ("label,qid,a\n1,1,2\n1,1\n", ":3: expected 3 cells"),
        ("label,qid,a\n1,1,2\nx,1,2\n", ":3: expected a grade of 0..30, found 'x'"),
        ("label,qid,a\n31,1,2\n", ":2: expected a grade"),
        ("label,qid,a\nnan,1,2\n", ":2: expected a grade"),
        ("label,qid,a\n1,1,two\n", ":2: expected a number that float32 holds, or nothing, found 'two'"),
        ("label,qid,a\n1,1,1e39\n", ":2: expected a number"),
        ("label,qid,a\n1,1,inf\n", ":2: expected a number"),
        ("label,qid,a\n1,,1\n", ":2: expected a query"),
        ("label,qid,a\n1,1,1\n1,2,1\n1,1,1\n", "stand together"),
        ('label,qid,a\n1,1,"1\n', "cannot be read as a table"),
    ],
)
def test_what_is_no_table_is_told_with_its_line(tmp_path, text, reason):
    (tmp_path / "rows.csv").write_text(text)
    with pytest.raises(InvalidLetor, match=f"rows.csv.*{reason}"):
        read_rows(tmp_path / "rows.csv")


@given(st.text(max_size=60) | st.text('0123456789,.\n"naqid', max_size=60).map("label,qid,a\n{}".format))
@settings(max_examples=examples(150), deadline=None)
def test_any_text_is_a_table_or_a_clear_error(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("any") / "rows.csv"
    path.write_text(text, "utf-8")
    try:
        data = read_rows(path)
        assert len(data) == data.group.sum() == len(data.grades) and not np.isinf(data.x).any()
    except InvalidLetor as error:
        assert str(path) in str(error)


def test_the_commands_read_and_write_tables(tmp_path):
    """Train from a table, evaluate on another that has the same columns, and be told when it has not."""
    group = program(lambda home: None)
    write_rows(tmp_path / "rows.csv", example())
    write_rows(tmp_path / "other.tsv", example(seed=1))
    (tmp_path / "strange.csv").write_text("label,qid,x,y,z\n1,1,1,1,1\n0,1,2,2,2\n")

    def run(*given, code=0):
        done = CliRunner().invoke(group, [*map(str, given)])
        assert done.exit_code == code, (done.output, done.exception)
        return done

    run("train", "--letor", tmp_path / "rows.csv", "--family", "pairwise", "--output", tmp_path / "model")
    found = [
        json.loads(line) for line in run("evaluate", "--letor", tmp_path / "other.tsv", "--model", tmp_path / "model").stdout.splitlines()
    ]
    assert next(one["value"] for one in found if one["measure"] == "nDCG@10") > 0.8
    assert (
        "expected the 3 features of the model, whole_bm25"
        in run("evaluate", "--letor", tmp_path / "strange.csv", "--model", tmp_path / "model", code=1).stderr
    )
