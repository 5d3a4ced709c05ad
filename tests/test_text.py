"""How text is handled, from end to end: what is written in one way is found when it is asked for in another, and marked where it stands."""

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from text_home import Texts

from indexer.folding import fold
from searchd.exact_forms import has_form

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
    ("Frameworks such as .NET run here", [".NET", "net"], ".NET"),
    ("这些.Vue框架", [".vue 框架", ".VUE"], ".Vue框架"),
    ("List it in .gitignore there", [".gitignore", "gitignore"], ".gitignore"),
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


CODES = [
    "Write to john@example.org or call",  # 0
    "re.sub(r'a', 'b') of the library",  # 1
    "新款iPhone15手机壳",  # 2
    "an iPhone, of 15 grams",  # 3
    "the iPhone 15 case",  # 4
    "买T恤送壳",  # 5
    "an example from no org, T 恤",  # 6
    "Frameworks such as .NET run here",  # 7
    "A net of 1,000 knots",  # 8
    "1000 nets",  # 9
]


@pytest.fixture(scope="module")
def codes(tmp_path_factory):
    return Texts(tmp_path_factory.mktemp("codes"), CODES)


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("example.org", {0}),
        ("john@example.org", {0}),
        ("sub", {1}),
        ("re.sub", {1}),
        ("re.sub library", {1}),
        ("iphone15", {2, 4}),
        ("T恤", {5, 6}),
        (".NET", {7}),
        ("1,000", {8, 9}),
    ],
)
def test_a_code_is_demanded_whole_or_in_parts_side_by_side(codes, query, numbers):
    """With all words, as a phrase, in a field, excluded, and as one of the words of a minimum."""
    expected = sorted(map(str, numbers))
    assert sorted(codes.found(query, mode="and")) == expected
    assert sorted(codes.found(f'"{query}"')) == sorted(codes.found(f"text:({query})" if " " in query else f"text:{query}", mode="and"))
    assert sorted(codes.found(query, minimum_should_match=5)) == expected
    if " " not in query:
        assert sorted(codes.found(f'"{query}"')) == expected
        everything = codes.found(f"{query} OR the OR of OR a OR an OR 买 OR 新款 OR such OR write OR nets", mode="and")
        assert set(codes.found(f"the OR of OR a OR an OR 买 OR 新款 OR such OR write OR nets -{query}")) == set(everything) - set(expected)


def test_words_with_a_space_find_the_code_and_the_code_finds_them(codes):
    assert sorted(codes.found("iphone 15", mode="and")) == ["2", "3", "4"] and sorted(codes.found('"iphone 15"')) == ["2", "4"]
    assert codes.found("iphone15", mode="and")[0] == "2" and "3" in codes.found("iphone15")
    assert sorted(codes.found("iphone15 case", minimum_should_match=1)) == ["2", "3", "4"]
    assert codes.found("iphone15 case", minimum_should_match=2) == ["4"] == codes.found("iPhone15 case", mode="and")
    assert [codes.engine.key(doc) for doc in codes.engine.retrieve("example.org", mode="and")[0]] == ["0"]


def test_digits_of_a_larger_number_are_found_but_not_wanted_by_it(tmp_path):
    texts = Texts(tmp_path, ["1,000 people", "1 person, 000", "1000 men", "100,200,300"])
    assert sorted(texts.found("1,000")) == sorted(texts.found("1000")) == ["0", "2"]
    assert texts.found("200") == ["3"]


def test_phrases_and_minus_count_positions_in_chinese(tmp_path):
    texts = Texts(tmp_path, ["机器学习入门", "学习机器", "机器 学习", "机器人学习", "深度学习"])
    assert sorted(texts.found('"机器学习"')) == ["0", "2"]
    assert sorted(texts.found("学习 -机器")) == ["4"]
    assert sorted(texts.found('学习 -"机器学习"')) == ["1", "3", "4"]
    assert sorted(texts.found('"器学"')) == ["0", "2"] and sorted(texts.found('"学习机"')) == ["1"]
    assert "<mark>机器学习</mark>入门" in texts.marked('"机器学习"')


def test_white_space_between_characters_is_the_end_of_a_line_or_nothing(tmp_path):
    """Hard-wrapped text: what the end of a line cuts is found, as a phrase and as a word, and marked as it stands."""
    texts = Texts(tmp_path, ["他在研究机器学\n习的方法", "机器 学习", "学习用的机器", "データ\n　ベース", "机器。学习"])
    for query in ("机器学习", '"机器学习"', '"机器 学习"', '"器学"'):
        assert sorted(texts.found(query, mode="and")) == ["0", "1"], query
    assert sorted(texts.found("机器 学习", mode="and")) == ["0", "1", "2", "4"]
    assert texts.found("データベース", mode="and") == ["3"] and texts.found('"タベ"') == ["3"]
    assert texts.found('学习 -"机器 学习"', mode="and") in (["2", "4"], ["4", "2"])
    assert {"他在研究<mark>机器学\n习</mark>的方法", "<mark>机器 学习</mark>"} <= set(texts.marked("机器学习"))
    assert {"他在研究<mark>机器学\n习</mark>的方法", "<mark>机器 学习</mark>"} == set(texts.marked('"机器学习"'))


FORMS = ["he runs there", "he running there", "nothing there"]


def test_the_form_that_was_typed_ranks_above_other_forms_of_its_stem(tmp_path):
    texts = Texts(tmp_path, FORMS)
    assert texts.found("running there")[:1] == ["1"] and texts.found("runs there")[:1] == ["0"]
    assert texts.found("Running", mode="and") == ["1", "0"] and texts.found("runs") == ["0", "1"]
    assert texts.found('"he runs"') == ["0", "1"] and texts.found('"he running"') == ["1", "0"]
    hits = texts.engine.search("running").hits
    assert [hit.id for hit in hits[:2]] == ["1", "0"] and hits[0].score > hits[1].score
    assert texts.engine.explain("1", "running").explanation["exact_forms"] == 1.0
    assert texts.engine.explain("0", "running").explanation["exact_forms"] == pytest.approx(0.98)
    assert texts.engine.explain("1", "running").score == pytest.approx(hits[0].score)


def test_the_order_of_forms_is_that_of_the_formula_whatever_page_is_asked_for(tmp_path):
    """Against all documents scored one by one; more of them tie than the first page looks at."""
    chance = random.Random(5)
    words = ["running", "runs", "run", "jumping", "jumps", "Running", "rúnning", "walked"]
    texts = [" ".join(chance.choices(words, k=chance.choice([2, 2, 3]))) for _ in range(300)]
    home = Texts(tmp_path, texts)
    stems = {"running": "run", "runs": "run", "run": "run", "jumps": "jump", "jumping": "jump", "walked": "walk"}
    for query, forms in (("running", ["running"]), ("running jumps", ["running", "jumps"])):
        docs, scores = home.engine.retrieve(query, k=len(texts))
        found = [texts[int(home.engine.key(doc))].lower().replace("ú", "u").split() for doc in docs]
        others = [sum(one not in words and stems[one] in map(stems.get, words) for one in forms) / len(forms) for words in found]
        final = [float(score) * (1 - 0.02 * (other if rank < 200 else 1)) for rank, (score, other) in enumerate(zip(scores, others))]
        expected = [home.engine.key(docs[i]) for i in sorted(range(len(docs)), key=lambda i: -final[i])]
        for limit, offset in ((1, 0), (10, 0), (10, 10), (7, 35), (50, 180), (100, 230)):
            hits = home.engine.search(query, limit=limit, offset=offset).hits
            assert [hit.id for hit in hits] == expected[offset : offset + limit], (query, limit, offset)


@given(st.text("ruN é́ß中.’'-", max_size=12))
def test_a_form_is_a_word_by_itself(text):
    folded = re.split(r"[^a-z]+", re.sub("[^a-zß]", lambda one: " " if one[0] != "ß" else "ss", fold(text)))
    assert has_form(text, "run") == ("run" in folded)
