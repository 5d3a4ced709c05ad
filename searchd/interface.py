"""The words of the search page, in English and Chinese; templates name them, so that a text exists in both languages or in neither."""

from collections.abc import Mapping

from flask import request

LANGUAGES = ("en", "zh")
_HTML_LANG = {"en": "en", "zh": "zh-Hans"}

WORDS: dict[str, tuple[str, str]] = {
    "search": ("Search", "搜索"),
    "search_label": ("Search the collection", "搜索文档"),
    "placeholder": ("Search in any language", "输入关键词，中英文均可"),
    "tagline": ("Full-text search that learns from clicks.", "从点击中学习的全文搜索。"),
    "skip": ("Skip to results", "跳到搜索结果"),
    "documents": ("documents", "篇文档"),
    "generation": ("generation", "索引版本"),
    "ordered_by": ("ordered by", "排序模型"),
    "bm25": ("BM25", "BM25"),
    "results_for": ("Results for", "搜索结果："),
    "result_count": ("{count} results", "共 {count} 条结果"),
    "result_count_one": ("{count} result", "共 {count} 条结果"),
    "about_count": ("more than {count} results", "超过 {count} 条结果"),
    "took": ("{ms} ms", "用时 {ms} 毫秒"),
    "page_of": ("page {page}", "第 {page} 页"),
    "nothing": ("Nothing found for “{q}”", "没有找到与“{q}”相关的内容"),
    "nothing_hint": ("Try fewer or other words, or drop a filter.", "请减少关键词、换一种说法，或去掉筛选条件。"),
    "did_you_mean": ("Did you mean", "您是不是要找"),
    "question_mark": ("?", "？"),
    "shown_instead": ("Showing results for", "已显示以下内容的结果："),
    "as_typed": ("Search instead for", "仍然搜索："),
    "partial": ("Not everything could be searched in time.", "部分内容未能在时限内完成搜索。"),
    "narrow": ("Narrow down", "筛选"),
    "filters": ("Filters", "已选条件"),
    "remove_filter": ("Remove filter", "移除筛选"),
    "clear_filters": ("Clear all", "全部清除"),
    "pages": ("Pages", "分页"),
    "previous": ("Previous", "上一页"),
    "next": ("Next", "下一页"),
    "suggestions": ("Suggestions", "搜索建议"),
    "why": ("Why this result", "匹配原因"),
    "in_field": ("in {field}", "匹配 {field}"),
    "all_words": ("all words", "包含全部关键词"),
    "exact_phrase": ("exact phrase", "完整短语"),
    "moved_up": ("raised by the model", "模型提升"),
    "untitled": ("Untitled", "无标题"),
    "fields": ("Fields", "字段"),
    "original": ("Open the original", "打开原文"),
    "similar": ("Similar documents", "相似文档"),
    "back": ("Back to the results", "返回搜索结果"),
    "home": ("Home", "首页"),
    "not_found": ("This document does not exist", "文档不存在"),
    "not_found_hint": ("It may have been deleted since it was found.", "它可能已被删除。"),
    "error": ("That did not work", "出错了"),
    "no_index": ("Nothing has been indexed yet", "尚未建立索引"),
    "api": ("API", "接口文档"),
    "language": ("中文", "English"),
    "syntax": ("How to search", "搜索语法"),
    "syntax_phrase": ("these words side by side", "完整短语"),
    "syntax_not": ("without this word", "排除该词"),
    "syntax_or": ("either of them", "任一即可"),
    "syntax_field": ("in one field", "限定字段"),
    "syntax_prefix": ("words that begin so", "前缀匹配"),
    "keys_hint": ("Press / to search", "按 / 键搜索"),
    "true": ("yes", "是"),
    "false": ("no", "否"),
}


class Interface:
    """The page's words in one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.html_lang = _HTML_LANG[language]
        self.other = LANGUAGES[1 - LANGUAGES.index(language)]

    def __call__(self, name: str, **values: object) -> str:
        """The text ``name``, with its gaps filled."""
        text = WORDS[name][LANGUAGES.index(self.language)]
        return text.format_map(_Values(values)) if values else text

    def number(self, value: int) -> str:
        """A count as people read it."""
        return f"{value:,}"


class _Values(dict[str, object]):
    def __init__(self, values: Mapping[str, object]) -> None:
        super().__init__(values)


def choose_language(setting: str = "auto") -> str:
    """The language of this request: ``lang`` in the URL, else the setting, else what the browser prefers."""
    asked = request.args.get("lang")
    if asked in LANGUAGES:
        return asked
    if setting in LANGUAGES:
        return setting
    return request.accept_languages.best_match(["en", "zh", "zh-CN", "zh-TW", "zh-Hans", "zh-HK"], default="en")[:2]
