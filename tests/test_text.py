"""How text is handled, from end to end: what is written in one way is found when it is asked for in another, and marked where it stands."""

import pytest
from text_home import Texts

# (text of a document, queries that find it and nothing else, what is marked for the first of them)
CASES = [
    ("Turnover was 1,000,000 in June", ["1000000", "1,000,000", "１，０００，０００", "1,000,000 june"], "1,000,000"),
    ("They paid 2500 for it", ["2,500", "2500", "２５００"], "2500"),
    ("ＦＵＬＬ ｗｉｄｔｈ ｌｅｔｔｅｒｓ", ["width", "ＷＩＤＴＨ"], "ｗｉｄｔｈ"),
    ("The oﬃce of eﬃgies", ["office", "oﬃce"], "oﬃce"),
    ("Un café à Zürich", ["cafe", "CAFÉ", "cafe\u0301", "zurich"], "café"),
    ("Write to john.smith@example.org today", ["john.smith@example.org", '"john smith"', "smith"], "john.smith@example.org"),
    (
        "See https://docs.python.example/3/library/re.html for it",
        ["docs.python.example", '"library re.html"', "re.html"],
        "docs.python.example",
    ),
    ("手机支持WAP1.2协议", ["WAP1.2", "wap 1.2", "wap", "协议"], "WAP1.2"),
    ("新款iPhone15手机壳", ["iphone15", "iPhone 15", "手机壳"], "iPhone15"),
    ("用re.sub替换字符串", ["re.sub", "sub", '"re sub"', "字符串"], "re.sub"),
    ("Templates in C++ are hard", ["C++", "c++ templates"], "C++"),
    ("Delegates of C# are not", ["C#"], "C#"),
    ("COVID-19疫苗接种", ["COVID-19 疫苗", "covid 19", '"COVID-19"', "疫苗"], "COVID-19疫苗"),
    ("Frameworks such as .NET run here", [".NET", "net"], "NET"),
    ("Spending on R&D rose", ["R&D", "r&d"], "R&amp;D"),
    ("Pi is 3.14 or so", ["3.14", "pi"], "3.14"),
    ("Release v2.0.1 mended it", ["v2.0.1", "2.0.1"], "v2.0.1"),
    ("東京都の図書館でデータベースを学ぶ", ["データ", "ベース", "図書館", "学ぶ", "ﾃﾞｰﾀ"], "データ"),
    ("한국어 형태소 분석기를 만들었다", ["분석", "형태소", "한국", "석기"], "분석"),
    ("參加國際論壇的學者", ["国际论坛", "國際論壇", "学者"], "國際論壇"),
    ("Naïve coöperation with Łódź", ["naive", "cooperation", "lodz"], "Naïve"),
]


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    return Texts(tmp_path_factory.mktemp("text"), [text for text, _, _ in CASES])


@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda number: CASES[number][0])
def test_what_is_written_one_way_is_found_another_way_and_marked_where_it_stands(texts, number):
    text, queries, marked = CASES[number]
    for query in queries:
        assert texts.found(query, mode="and") == [str(number)], query
    assert texts.found(queries[0])[0] == str(number)
    assert f"<mark>{marked}</mark>" in texts.marked(queries[0], mode="and")[0]


@pytest.mark.parametrize("text", ["データベース", "ひらがなカタカナ", "한국어형태소", "ภาษาไทย", "中国农业发展银行"])
def test_any_two_neighbours_of_a_script_without_spaces_are_found(tmp_path, text):
    texts = Texts(tmp_path, [text, "别的 other"])
    for at in range(len(text) - 1):
        assert texts.found(text[at : at + 2], mode="and") == ["0"], text[at : at + 2]
        assert "<mark>" in texts.marked(text[at : at + 2])[0]


def test_digits_of_a_larger_number_are_found_but_not_wanted_by_it(tmp_path):
    texts = Texts(tmp_path, ["1,000 people", "1 person, 000", "1000 men", "100,200,300"])
    assert sorted(texts.found("1,000")) == sorted(texts.found("1000")) == ["0", "2"]
    assert texts.found("200") == ["3"]


def test_phrases_and_minus_count_positions_in_chinese(tmp_path):
    texts = Texts(tmp_path, ["机器学习入门", "学习机器", "机器 学习", "机器人学习", "深度学习"])
    assert texts.found('"机器学习"') == ["0"]
    assert sorted(texts.found("学习 -机器")) == ["4"]
    assert sorted(texts.found('学习 -"机器学习"')) == ["1", "2", "3", "4"]
    assert texts.found('"器学"') == ["0"] and sorted(texts.found('"学习机"')) == ["1"]
    assert texts.marked('"机器学习"') == ["<mark>机器学习</mark>入门"]
