"""Files of queries and judgments: both kinds are read alike, and each bad line is named."""

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from ranker.judged import BadJudgments, encoded_key, grade_of, read_judgments, read_queries, write_judgments, write_queries

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


def test_columns_of_quepid_stand_in_any_order_among_others(file):
    text = '"Rating","query" , other,"docid"\n2,python lists,x,d1\n,python lists,x,d2\n"1.5",机器学习,"a, b","d 3"\n'
    assert read_judgments(file(text), QUERIES) == {"1": {"d1": 2.0}, "2": {"d 3": 1.5}}


@pytest.mark.parametrize("line", ["python lists,d1,x", "python lists,d1,inf", '"python lists'], ids=["word", "infinite", "short"])
def test_bad_lines_of_quepid_are_named(file, line):
    with pytest.raises(BadJudgments, match="line 3: expected"):
        read_judgments(file(f"query,docid,rating\npython lists,d0,1\n{line}\n"), QUERIES)


keys = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=6).filter(lambda key: key == key.strip())
texts = keys.filter(lambda text: "\u2028" not in text)
grades = st.floats(0, 30, width=32)
judged = st.dictionaries(st.integers(1, 99).map(str), st.dictionaries(keys, grades, min_size=1, max_size=4), max_size=4)


@given(judged, st.data())
@settings(max_examples=examples(80), deadline=None)
@pytest.mark.parametrize("form", ["trec", "quepid"])
def test_judgments_are_read_as_they_were_written(tmp_path_factory, form, found, data):
    names = data.draw(st.lists(texts, min_size=len(found), max_size=len(found), unique=True))
    queries, folder = dict(zip(found, names)), tmp_path_factory.mktemp("judged")
    write_queries(folder / "queries", queries)
    write_judgments(folder / "file", form, queries, found)
    assert read_queries(folder / "queries") == queries
    back = read_judgments(folder / "file", queries)
    assert back.keys() == found.keys()
    for qid, mine in found.items():
        assert len(back[qid]) == len({encoded_key(key) if form == "trec" else key for key in mine})
        assert all(grade_of(back[qid], key) == pytest.approx(grade, rel=1e-6) for key, grade in mine.items() if "%" not in key)


def test_what_a_form_cannot_hold_is_told(tmp_path):
    with pytest.raises(BadJudgments, match="expected query ids without white space, .* found 'a b'"):
        write_judgments(tmp_path / "file", "trec", {"a b": "x"}, {"a b": {"d": 1.0}})
    for queries in ({"a\tb": "x"}, {"a": "x\ny"}, {"": "x"}):
        with pytest.raises(BadJudgments, match="expected ids and texts without tabs"):
            write_queries(tmp_path / "file", queries)
    assert not (tmp_path / "file").exists()


@given(st.text(max_size=60) | st.text(max_size=40).map("query,docid,rating\n{}".format))
@settings(max_examples=examples(120), deadline=None)
def test_any_text_is_judgments_or_a_clear_error(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("any") / "file"
    path.write_text(text, "utf-8")
    try:
        assert all(0 <= grade <= 1e6 for found in read_judgments(path, QUERIES).values() for grade in found.values())
    except BadJudgments as error:
        assert "expected" in str(error) and str(path) in str(error)
