"""The words of the search page, in English and Chinese; templates name them, so that a text exists in both languages or in neither."""

from collections.abc import Mapping

from flask import request

LANGUAGES = ("en", "zh")
_HTML_LANG = {"en": "en", "zh": "zh-Hans"}

WORDS: dict[str, tuple[str, str]] = {
    "search": ("Search", "搜索"),
    "search_label": ("Search the collection", "搜索文档"),
    "placeholder": ("Search in any language", "中英文均可搜索"),
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
    "partial": ("Not everything could be searched.", "部分内容未能搜索。"),
    "narrow": ("Filters", "筛选"),
    "narrow_close": ("Show results", "查看结果"),
    "apply": ("Apply", "应用"),
    "from": ("from", "从"),
    "to": ("to", "到"),
    "from_value": ("{field} from {value}", "{field} ≥ {value}"),
    "to_value": ("{field} up to {value}", "{field} ≤ {value}"),
    "more_values": ("{count} more", "另外 {count} 项"),
    "empty": ("(empty)", "（空）"),
    "sort": ("Sort", "排序"),
    "relevance": ("Relevance", "相关度"),
    "sort_low": ("{field}, lowest first", "{field}，由低到高"),
    "sort_high": ("{field}, highest first", "{field}，由高到低"),
    "sort_oldest": ("{field}, oldest first", "{field}，由旧到新"),
    "sort_newest": ("{field}, newest first", "{field}，由新到旧"),
    "sort_first": ("{field}, A to Z", "{field}，正序"),
    "sort_last": ("{field}, Z to A", "{field}，倒序"),
    "ignored": ("This part of the address was not understood and left out: {names}.", "网址中的这些部分无法识别，已忽略：{names}。"),
    "no_such_page": ("There is no page {page}", "没有第 {page} 页"),
    "first_page": ("Go to the first page", "回到第一页"),
    "nothing_filtered": ("No document passes these filters", "没有符合筛选条件的文档"),
    "filters": ("Active filters", "已选条件"),
    "remove_filter": ("Remove filter", "移除筛选"),
    "clear_filters": ("Clear all", "全部清除"),
    "pages": ("Pages", "分页"),
    "previous": ("Previous", "上一页"),
    "next": ("Next", "下一页"),
    "suggestions": ("Suggestions", "搜索建议"),
    "suggestions_count": ("{count} suggestions, use up and down arrows", "{count} 条搜索建议，可用上下方向键选择"),
    "suggestions_one": ("1 suggestion, use up and down arrows", "1 条搜索建议，可用上下方向键选择"),
    "suggestions_none": ("No suggestions", "没有搜索建议"),
    "matches": ("Matches", "匹配情况"),
    "why": ("Why this result?", "为什么匹配？"),
    "similar_short": ("Similar", "相似文档"),
    "loading": ("Loading…", "正在加载…"),
    "not_loaded": ("This could not be loaded.", "加载失败。"),
    "why_of": ("Why “{title}” is a result", "为什么“{title}”是一条结果"),
    "why_text": (
        "Place {rank}: the words of the query give it {score} points. A word counts more when it is rare, stands in a field that matters, "
        "and is repeated in a short text.",
        "第 {rank} 名：查询词为它带来 {score} 分。词越少见、所在字段越重要、在短文中重复越多，分数越高。",
    ),
    "why_ranked": (
        "Place {rank}: text search found it by its words, and a model that learned from clicks and judgments then gave it {score} points. "
        "The parts below add up to that.",
        "第 {rank} 名：先由文本检索按查询词找到，再由从点击和评判中学习的模型打出 {score} 分。下列各项相加即为此分。",
    ),
    "why_sorted": (
        "Place {rank}: the results are sorted by {field}, which is {value} here. Points have no say in this order.",
        "第 {rank} 名：结果按{field}排序，此处为 {value}。得分不影响这一顺序。",
    ),
    "why_no_words": (
        "Place {rank}: no words were searched for, so the documents that pass the filters stand in the order in which they were indexed.",
        "第 {rank} 名：没有搜索词，符合筛选条件的文档按索引顺序排列。",
    ),
    "by_model": ("What the model {name} counted", "模型 {name} 的各项得分"),
    "by_words": ("What text search found", "文本检索的各项得分"),
    "no_contributions": ("This model cannot tell the parts of its scores.", "该模型无法分解其得分。"),
    "signal": ("What", "项目"),
    "points": ("Points", "得分"),
    "sum": ("Sum", "合计"),
    "base": ("Where every result starts", "所有结果的起点"),
    "value": ("value {value}", "值 {value}"),
    "moved": ("Placed below the results that the model ordered first", "排在模型先行排序的结果之后"),
    "other_signals": ("{count} smaller signals together", "其余 {count} 项之和"),
    "other_words": ("{count} further words together", "其余 {count} 个词之和"),
    "other_forms": ("Other forms of the words than typed", "词形与输入不同"),
    "pair_of_characters": ("pair of characters", "相邻两字"),
    "in_documents": ("in {count} documents", "{count} 篇文档含有"),
    "in_documents_one": ("in {count} document", "{count} 篇文档含有"),
    "why_above": ("Why above number {rank}, “{title}”?", "为什么排在第 {rank} 名“{title}”之前？"),
    "why_below": ("Why below number {rank}, “{title}”?", "为什么排在第 {rank} 名“{title}”之后？"),
    "scores_of_both": ("{score} points here, {other} there. What makes the difference:", "这里 {score} 分，那里 {other} 分。差别在于："),
    "same_score": (
        "Both have {score} points; the one that was indexed first comes first.",
        "两者都是 {score} 分，先建立索引的排在前面。",
    ),
    "here_there": ("here {here}, there {there}", "这里 {here}，那里 {there}"),
    "everything_else": ("Everything else together", "其余各项之和"),
    "all_numbers": ("All numbers (JSON)", "全部数字（JSON）"),
    "in_field": ("in {field}", "匹配 {field}"),
    "all_words": ("all words", "包含全部关键词"),
    "untitled": ("Untitled", "无标题"),
    "fields": ("Fields", "字段"),
    "original": ("Open the original", "打开原文"),
    "similar": ("Similar documents", "相似文档"),
    "back": ("Back to the results", "返回搜索结果"),
    "home": ("Home", "首页"),
    "no_similar": ("No other document is like this one.", "没有与之相似的文档。"),
    "search_unfiltered": ("Search without filters", "不带筛选条件搜索"),
    "detail": ("What the server says", "服务器的说明"),
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

    def __call__(self, name: str, /, **values: object) -> str:
        """The text ``name``, with its gaps filled."""
        text = WORDS[name][LANGUAGES.index(self.language)]
        return text.format_map(_Values(values)) if values else text

    def of(self, texts: tuple[str, str]) -> str:
        """The one of two texts that is in this language."""
        return texts[LANGUAGES.index(self.language)]

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
