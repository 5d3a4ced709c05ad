"""What users of other engines complain about, row by row of the table in docs/text.md, from end to end: built, searched, marked."""

import html

import pytest
from text_home import Texts

from indexer.errors import SearchdError
from indexer.reindex import reindex_affected
from searchd.engine import Engine

BANKS = ["中国农业发展银行", "农业技术", "中国银行", "简单的数据处理", "软件工程师", "他在图书馆看书"]


@pytest.fixture(scope="module")
def banks(tmp_path_factory):
    return Texts(tmp_path_factory.mktemp("banks"), BANKS)


def test_complaint_1_words_inside_long_words_are_found_and_whole_words_rank_higher(banks):
    assert sorted(banks.found("农业", mode="and")) == ["0", "1"]
    for query, number in (("简单", 3), ("处理", 3), ("工程", 4), ("图书", 5), ("书馆", 5), ("发展银行", 0), ("业发", 0)):
        assert banks.found(query, mode="and") == [str(number)], query
    assert banks.found("中国银行")[0] == "2"


def test_complaint_2_phrases_and_minus_count_characters_whatever_the_words_are(banks):
    assert banks.found('"农业发展"') == ["0"] and banks.found('"展银"') == ["0"] and banks.found('"银行中国"') == []
    assert banks.found("农业 -银行") == ["1"] and banks.found('银行 -"中国农业"') == ["2"]
    assert banks.marked('"农业发展"') == ["中国<mark>农业发展</mark>银行"]


def test_complaint_3_traditional_and_simplified_are_one_before_words_are_cut(tmp_path):
    texts = Texts(tmp_path, ["國際論壇在臺北舉行", "国际论坛在台北举行", "國家的論文"])
    for query in ("國際論壇", "国际论坛", "國际论壇"):
        assert sorted(texts.found(query, mode="and")) == ["0", "1"], query
    assert {"<mark>國際論壇</mark>在臺北舉行", "<mark>国际论坛</mark>在台北举行"} <= set(texts.marked("國際論壇"))
    assert sorted(texts.found('"國際論壇"')) == ["0", "1"]


def test_complaint_4_characters_that_sound_alike_do_not_match_each_other(tmp_path):
    texts = Texts(tmp_path, ["不行", "布料", "部门", "步行"])
    for number, query in enumerate("不布部步"):
        assert texts.found(query) == [str(number)]
    assert texts.found("布门", mode="and", num_typos=0) == []


@pytest.mark.parametrize(
    ("text", "query", "marked"),
    [
        ("参加國際論壇。", "国际论坛", "参加<mark>國際論壇</mark>。"),
        ("ＡＢＣ大学", "abc", "<mark>ＡＢＣ</mark>大学"),
        ("用re.sub替换<b>", "re.sub 替换", "用<mark>re.sub替换</mark>&lt;b&gt;"),
        ("㍿の株", "株式", "<mark>㍿</mark>の株"),
        ("cafe\u0301 & ﬁre", "café fire", "<mark>cafe\u0301</mark> &amp; <mark>ﬁre</mark>"),
        ("学习机器学习的学校", "机器学习", "<mark>学习机器学习</mark>的学校"),
    ],
)
def test_complaint_5_marks_stand_in_the_original_text(tmp_path, text, query, marked):
    texts = Texts(tmp_path, [text, "不相干 unrelated"])
    assert texts.marked(query)[0] == marked
    assert html.unescape(marked.replace("<mark>", "").replace("</mark>", "")) == text


def test_complaint_8_codes_inside_chinese_are_kept_whole_and_found_in_parts(tmp_path):
    texts = Texts(tmp_path, ["买T恤送iPhone15壳", "学C++和C#", "发邮件给a.b@c.org谢谢", "肯德基KFC优惠", "补充维生素C", "型号WAP1.2-X"])
    for query, number in (
        ("T恤", 0),
        ("iphone 15", 0),
        ("iPhone15", 0),
        ("C++", 1),
        ("c#", 1),
        ("a.b@c.org", 2),
        ("kfc", 3),
        ("维生素C", 4),
    ):
        assert texts.found(query, mode="and") == [str(number)], query
    assert texts.found("wap1.2")[0] == "5" and texts.marked("wap1.2")[0] == "型号<mark>WAP1.2</mark>-X"


def test_complaint_9_one_field_holds_every_language(tmp_path):
    texts = Texts(
        tmp_path, ["机器学习 made simple", "データベース入門", "형태소 분석기", "Машинное обучение", "Running études", "متن فارسی"]
    )
    for query, number in (("学习", 0), ("データ", 1), ("분석", 2), ("обучение", 3), ("runs etudes", 4), ("فارسی", 5), ("simple 机器", 0)):
        assert texts.found(query, mode="and") == [str(number)], query


def test_complaint_4_pinyin_is_a_way_to_ask_below_what_is_written_so(tmp_path):
    texts = Texts(tmp_path, ["北京大学的历史", "北京大学出版社", "daxue is pinyin", "南京的大雪"])
    assert sorted(texts.found("beijing")) == ["0", "1"]
    assert "<mark>北京</mark>大学的历史" in texts.marked("beijing")
    assert texts.found("daxue") == ["2"]


def test_complaint_6_an_index_of_another_dictionary_is_refused_and_only_what_the_change_touches_is_analysed_anew(tmp_path):
    texts = Texts(tmp_path, ["云原生平台", "别的文字", "原生态"])
    texts.home.lexicon.mkdir(exist_ok=True)
    (texts.home.lexicon / "user.txt").write_text("云原生\n", encoding="utf-8")
    with pytest.raises(SearchdError, match="--reindex-affected"):
        Engine(texts.home)
    reindex_affected(texts.home)
    with Engine(texts.home) as engine:
        assert [hit.id for hit in engine.search("云原生", mode="and").hits] == ["0"]


def test_complaint_7_a_user_dictionary_is_a_file_that_is_checked_before_it_counts(tmp_path):
    folder = tmp_path / "home" / "lexicon"
    folder.mkdir(parents=True)
    (folder / "user.txt").write_text("云原生 100 n\n", encoding="utf-8")
    texts = Texts(tmp_path, ["云原生平台和C++标准", "原生的云"])
    assert texts.found("云原生")[0] == "0" and texts.marked("云原生")[0].startswith("<mark>云原生</mark>")
    (folder / "user.txt").write_text("好\n词 1.5\n", encoding="utf-8")
    with pytest.raises(SearchdError, match="user.txt, line 2: expected .*found"):
        Engine(texts.home)


def test_complaint_10_a_chinese_word_with_a_wrong_character_is_questioned(tmp_path):
    texts = Texts(tmp_path, ["北京大学的历史", "北京大学出版社", "机器学习入门", "机器学习课程"])
    assert texts.engine.search("北京大雪").corrected_query == "北京大学"
    assert texts.engine.search("机器雪习").corrected_query == "机器学习"
    assert texts.engine.search("北京大学").corrected_query is None
