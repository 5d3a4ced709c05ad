"""The names of features -> what they measure, in plain words in both languages, for the panel that says why a result has its place.

``title_bm25`` is a place and a formula; others stand for themselves. Features that only one home has keep their own names.
"""

from ranker.behaviour import PREFIX as BEHAVIOUR
from ranker.featureset import COLUMN

Words = tuple[str, str]

PLACES: dict[str, Words] = {
    "title": ("in the title", "标题中"),
    "rest": ("outside the title", "标题以外"),
    "whole": ("in the whole document", "全文中"),
}
FORMULAS: dict[str, Words] = {
    "bm25": ("Weight of the matching words {place}", "{place}匹配词的权重"),
    "words_bm25": ("Weight of the matching whole words {place}", "{place}匹配的完整词语的权重"),
    "han2_bm25": ("Weight of the matching pairs of Chinese characters {place}", "{place}匹配的相邻汉字的权重"),
    "coverage": ("How much of the query is found {place}, rare words counting more", "{place}覆盖了多少查询（少见的词更重要）"),
    "matched": ("How many words of the query are {place}", "{place}出现了几个查询词"),
    "missing_idf": ("How rare the rarest missing word is", "缺失的最少见词有多少见"),
    "best_word": ("The best-matching single word", "匹配最好的一个词"),
    "mean_word": ("How well words match on average", "查询词的平均匹配程度"),
    "worst_word": ("The worst-matching single word", "匹配最差的一个词"),
    "tf_idf": ("How often the words occur {place}, rare words counting more", "{place}查询词出现的次数（少见的词更重要）"),
    "lm": ("How likely text like this would use the words {place}", "{place}的文字使用这些词的可能性"),
    "near": ("How close together the words stand {place}", "{place}各词相距多近"),
    "bigrams": ("Words that are neighbours in the query and {place}", "查询中相邻的词在{place}也相邻"),
    "phrase": ("The whole query, word by word, {place}", "{place}逐字出现整个查询"),
    "equals": ("The title is exactly the query", "标题与查询完全相同"),
    "starts": ("The title begins with the query", "标题以查询开头"),
    "first": ("How early the first word comes {place}", "{place}第一个匹配词出现得多早"),
    "share": ("Share of the title that is the query", "查询词占标题的比例"),
    "density": ("How tightly the words are packed {place}", "{place}查询词的密集程度"),
    "length": ("Length of the text {place}", "{place}文字的长度"),
}
SINGLE: dict[str, Words] = {
    "query_words": ("Number of words in the query", "查询的词数"),
    "query_characters": ("Length of the query", "查询的长度"),
    "query_han_share": ("How much of the query is Chinese", "查询中汉字的比例"),
    "query_digits": ("The query has a number or a code", "查询含有数字或编号"),
    "query_quoted": ("The query has a phrase in quotes", "查询含有引号短语"),
    "query_scripts": ("Kinds of scripts in the query", "查询中文字的种类"),
    "query_idf_sum": ("How rare the words of the query are, in sum", "查询词少见程度之和"),
    "query_idf_min": ("How rare the commonest word of the query is", "最常见查询词的少见程度"),
    "query_idf_max": ("How rare the rarest word of the query is", "最少见查询词的少见程度"),
    "query_idf_mean": ("How rare the words of the query are on average", "查询词的平均少见程度"),
    "query_hits": ("How many documents have the rarest word", "含有最少见查询词的文档数"),
    "query_unknown": ("Words of the query that no document has", "没有文档含有的查询词"),
    "retrieval_score": ("Score of the text search", "文本检索的得分"),
    "retrieval_reciprocal_rank": ("Place that the text search gave", "文本检索给出的名次"),
    "retrieval_share": ("Score of the text search, as a share of the best", "文本检索得分占最高分的比例"),
    "retrieval_margin": ("Score of the text search against the best ten", "文本检索得分与前十名平均分之比"),
    "retrieval_below_top": ("How far the text search put it below the best", "文本检索得分低于最高分多少"),
    "retrieval_z": ("How far the text search put it from the average of the best ten", "文本检索得分偏离前十名平均分多少"),
    BEHAVIOUR + "pair_rate": ("How often people who searched this clicked it", "搜过此查询的人点击它的比例"),
    BEHAVIOUR + "pair_lift": ("Clicked more often than others under this query", "在此查询下比其他结果多被点击"),
    BEHAVIOUR + "pair_looks": ("How often it was seen under this query", "在此查询下被看到的次数"),
    BEHAVIOUR + "document_rate": ("How often it is clicked under any query", "在所有查询下被点击的比例"),
    BEHAVIOUR + "document_looks": ("How often it was seen under any query", "在所有查询下被看到的次数"),
}


def feature_words(name: str, language: int) -> str:
    """What a feature measures; ``language`` 0 is English, 1 Chinese. A feature that has no words here keeps its name."""
    if name in SINGLE:
        return SINGLE[name][language]
    if name.startswith(COLUMN):
        return ("The field {name}", "字段 {name}")[language].format(name=name.removeprefix(COLUMN).replace("_", " "))
    place, _, formula = name.partition("_")
    if place in PLACES and formula in FORMULAS:
        return FORMULAS[formula][language].format(place=PLACES[place][language])
    return name.replace("_", " ")
