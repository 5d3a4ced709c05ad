"""Files of queries and judgments: both kinds are read alike, and each bad line is named."""

import pytest

from ranker.judged import BadJudgments, grade_of, read_judgments, read_queries

QUERIES = {"1": "python lists", "2": "机器学习"}


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "file"
        path.write_text(text, "utf-8")
        return path

    return write


def test_queries_keep_their_order(file):
    assert read_queries(file("2\t机器学习\n\n1\tpython lists \r\n")) == QUERIES
    assert list(read_queries(file("b\tx\na\ty\n"))) == ["b", "a"]


def test_both_kinds_of_judgments_are_read(file):
    expected = {"1": {"d1": 2.0, "d2": 0.0}, "2": {"d 3": 1.5}}
    trec = read_judgments(file("1 0 d1 2\n1 Q0 d2 -1\n9 0 d1 1\n"), QUERIES)
    assert trec == {"1": expected["1"]}
    assert (
        read_judgments(file('query,docid,rating\npython lists,d1,2\n"python lists",d2,0\n机器学习,d 3,1.5\nother,d,1\n'), QUERIES)
        == expected
    )


def test_white_space_in_keys_may_be_percent_encoded():
    grades = {"a%20b": 2.0, "c": 0.0, "d%20e": 1.0}
    assert [grade_of(grades, key) for key in ("a b", "c", "d%20e", "e")] == [2.0, 0.0, 1.0, None]


@pytest.mark.parametrize("line", ["1 0 d1", "1 0 d1 two", "1 0 d1 nan", "1 0 d1 2 extra"])
def test_a_bad_judgment_is_named(file, line):
    with pytest.raises(BadJudgments, match="line 2: expected"):
        read_judgments(file(f"1 0 d0 1\n{line}\n"), QUERIES)


def test_a_bad_csv_line_is_named(file):
    with pytest.raises(BadJudgments, match="line 2: expected `query,docid,rating`"):
        read_judgments(file("query,docid,rating\npython lists,d1\n"), QUERIES)


def test_a_bad_query_is_named(file):
    with pytest.raises(BadJudgments, match="line 1: expected `qid<TAB>text`"):
        read_queries(file("no tab here\n"))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(BadJudgments, match="check the path"):
        read_queries(tmp_path / "absent")
