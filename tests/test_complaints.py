"""What users of other engines complain about, row by row of the table in docs/text.md, from end to end: built, searched, marked."""

import html

import pytest
from text_home import Texts

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
    assert texts.found("布门", mode="and") == []


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
