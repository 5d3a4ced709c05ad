"""A changed lexicon: told apart, refused, and brought in by analysing the documents anew that it touches."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

import searchd
from indexer.build import build
from indexer.changes import apply_changes
from indexer.cli import main
from indexer.home import Home
from indexer.index import AnalyzerMismatch, Index, verify
from indexer.reindex import changed_words, has_a_word, reindex_affected
from indexer.schema import Schema

SCHEMA = Schema.from_dict(
    {"fields": {"title": {"type": "text", "weight": 2.0}, "text": {"type": "text"}, "raw": {"type": "text", "analyzer": "whitespace"}}}
)
DOCUMENTS = [
    {"id": "a", "title": "云原生平台", "text": "一个云原生的T恤店", "raw": "云原生"},
    {"id": "b", "title": "原生云", "text": ["云", "原生态"], "raw": "x"},
    {"id": "c", "title": "Wi-Fi 6", "text": "the wi-fi of the shop"},
    {"id": "d", "title": "乒乓球拍卖完了", "text": "wi fi T恤衫店"},
    {"id": "e", "title": "nothing", "raw": "云原生 wi-fi"},
]
QUERIES = ["云原生", "wi-fi", "T恤衫店", "乒乓球拍卖", "原生 the", "shop", '"云原生"', "nothing"]


def home_of(folder, documents, lines, schema=SCHEMA):
    home = Home.at(folder)
    home.lexicon.mkdir(parents=True)
    write(home, lines)
    source = home.root / "docs.jsonl"
    source.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in documents), encoding="utf-8")
    build(home, [str(source)], schema)
    return home


def write(home, lines):
    (home.lexicon / "user.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def statistics(index):
    """df of every term that a live document has, live documents, mean lengths."""
    terms = {term for segment in index.segments for term in segment.terms.terms(np.arange(segment.num_terms))}
    counts = dict(zip(sorted(terms), index.df(sorted(terms)).tolist()))
    return {term: count for term, count in counts.items() if count}, index.num_docs, index.avg_lengths.tolist()


def answers(home, queries=QUERIES):
    """Key -> score of everything that each query finds, by both modes."""
    with searchd.open(str(home.root)) as engine:
        return [
            {hit.id: pytest.approx(hit.score, rel=1e-6) for hit in engine.search(query, mode=mode, limit=100).hits}
            for query in queries
            for mode in ("or", "and")
        ]


def same(home, fresh):
    found, expected = statistics(Index.open(home)), statistics(Index.open(fresh))
    assert found[:2] == expected[:2]
    assert found[2] == pytest.approx(expected[2])
    assert answers(home) == answers(fresh)
    assert verify(home) == []


def test_a_changed_lexicon_is_refused_with_what_to_do(tmp_path):
    home = home_of(tmp_path, DOCUMENTS, [])
    write(home, ["云原生"])
    with pytest.raises(AnalyzerMismatch, match="lexicon.*reindex-affected"):
        Index.open(home)
    write(home, [])
    Index.open(home)


def test_only_documents_with_a_word_of_the_change_are_analysed_anew(tmp_path):
    home = home_of(tmp_path / "one", DOCUMENTS, [])
    before = [Index.open(home).key(doc) for doc in range(5)]
    write(home, ["云原生 9", "wi-fi", "没有人写"])
    report = reindex_affected(home)
    assert report[:3] == (3, 2, 5)
    index = Index.open(home)
    assert [index.key(doc) for doc in index.live_docs()] == [*(key for key in before if key not in "ac"), "a", "c"]
    assert index.df(["\x03云原生", "wi-fi"]).tolist() == [1, 2]  # e has wi-fi in the field that is cut at spaces
    same(home, home_of(tmp_path / "fresh", DOCUMENTS, ["云原生 9", "wi-fi", "没有人写"]))


def test_stop_words_and_the_order_of_lines_change_nothing(tmp_path):
    home = home_of(tmp_path, DOCUMENTS, ["云原生", "wi-fi"])
    write(home, ["# ours", "wi-fi", "云原生"])
    (home.lexicon / "stopwords.txt").write_text("原生\n", encoding="utf-8")
    Index.open(home)
    assert reindex_affected(home)[:2] == (0, 0)


def test_more_than_the_lexicon_has_changed(tmp_path, monkeypatch):
    home = home_of(tmp_path, DOCUMENTS, [])
    monkeypatch.setattr("indexer.standard.RULES", 999)
    write(home, ["云原生"])
    with pytest.raises(AnalyzerMismatch, match="rules 999.*sources"):
        reindex_affected(home)
    with pytest.raises(AnalyzerMismatch, match="rules.*sources"):
        Index.open(home)


WORDS = st.sets(
    st.sampled_from(["云原生", "原生态 5", "原生态 70000", "wi-fi", "t恤衫店", "拍卖完", "的T恤", "卖", "T恤衫", "球拍卖 3"]), max_size=5
).map(sorted)
TEXT = st.lists(
    st.sampled_from(["云原生", "原生态", "Wi-Fi", "wi fi", "Ｔ恤", "衫", "店", "的", "乒乓球", "拍卖", "完了", " ", "雲"]), max_size=8
).map("".join)
DOCS = st.lists(st.fixed_dictionaries({"title": TEXT}, optional={"text": st.lists(TEXT, max_size=2), "raw": TEXT}), min_size=1, max_size=8)


@settings(max_examples=examples(15))
@given(documents=DOCS, steps=st.lists(WORDS, min_size=2, max_size=4), data=st.data())
def test_reindexing_equals_a_full_build(documents, steps, data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("reindex")
    raws = {str(i): {"id": str(i), **fields} for i, fields in enumerate(documents)}
    home = home_of(folder / "home", raws.values(), steps[0])
    for step in steps[1:]:
        gone = data.draw(st.sets(st.sampled_from(sorted(raws)), max_size=1 if len(raws) > 1 else 0))
        apply_changes(home, [{"id": "new", "title": "云原生T恤"}], sorted(gone))
        raws = {key: raw for key, raw in raws.items() if key not in gone} | {"new": {"id": "new", "title": "云原生T恤"}}
        write(home, step)
        reindex_affected(home)
    same(home, home_of(folder / "fresh", raws.values(), steps[-1]))


def test_changed_words_and_where_they_are():
    assert changed_words([("云原生", 1), ("卖", 2), ("ab", 1)], [("云原生", 2), ("卖", 2), ("t恤", 1)]) == {"云原生", "t恤"}
    assert has_a_word({"title": ["x", "Ｔ恤"]}, ["title"], ["t恤"]) and not has_a_word({"title": "恤", "text": "t恤"}, ["title"], ["t恤"])


def test_the_command_and_the_statistics(tmp_path):
    home, runner = home_of(tmp_path, DOCUMENTS, []), CliRunner()
    write(home, ["云原生"])
    told = runner.invoke(main, ["stats", "--home", str(home.root)], catch_exceptions=False).stdout
    assert "analyzer standard" in told and "differs from this program in: dictionaries lexicon" in told
    result = runner.invoke(main, ["build", "--reindex-affected", "--home", str(home.root)], catch_exceptions=False)
    assert result.exit_code == 0 and "documents analysed anew 1 of 5" in result.stdout
    figures = json.loads(runner.invoke(main, ["stats", "--json", "--home", str(home.root)]).stdout)
    assert figures["analyzers"]["standard"]["words"] == 1 and figures["analyzers"]["standard"]["differs"] == []
    assert "jieba" in figures["analyzers"]["standard"]["libraries"]
    for arguments in (["build"], ["build", "--reindex-affected", "docs.jsonl"]):
        assert runner.invoke(main, [*arguments, "--home", str(home.root)]).exit_code == 2
