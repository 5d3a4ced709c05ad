"""Codes of errors that a reader of the pages can meet -> what happened and what to do, in both languages; the exact message stands below it.

A code that has no words here is one of its kind: something is wrong with the address, or with the server.
"""

Words = tuple[str, str]

_ADDRESS: Words = ("Something in this address cannot be used. Search again, or go back.", "网址中有无法使用的内容。请重新搜索或返回。")
_SERVER: Words = ("The server cannot answer at the moment. Try again in a minute.", "服务器暂时无法响应，请稍后再试。")

ERROR_WORDS: dict[str, Words] = {
    "bad_filter": (
        "A filter does not fit this collection. Take it away and search again.",
        "某个筛选条件不适用于该文档库。请去掉它再搜索。",
    ),
    "bad_sort": ("The results cannot be sorted like that. Choose an order from the list.", "不支持这种排序方式。请从列表中选择。"),
    "unknown_field": ("The collection has no such field to filter or sort by.", "该文档库没有可用于筛选或排序的这个字段。"),
    "query_too_long": ("The query is too long: 512 characters are allowed.", "查询过长：最多 512 个字符。"),
    "document_not_found": ("It may have been deleted since it was found.", "它可能已被删除。"),
    "no_index": ("As soon as documents are indexed, they can be searched here.", "建立索引后即可在此搜索。"),
    "route_not_found": ("There is no page at this address.", "此网址没有页面。"),
    "method_not_allowed": ("This address cannot be used like that.", "此网址不支持这种请求。"),
    "missing_key": ("This page needs a key. Give it as the password.", "此页面需要密钥。请把密钥作为密码输入。"),
    "invalid_key": ("This key is unknown, has expired or was revoked.", "密钥未知、已过期或已撤销。"),
    "wrong_scope": ("This key does not open this page.", "此密钥无权打开该页面。"),
    "too_many_requests": ("Too many requests. Wait a moment.", "请求过多，请稍候。"),
    "url_too_long": ("The address is too long. Use fewer words or filters.", "网址过长。请减少关键词或筛选条件。"),
    "internal": ("The server failed. The reason is in its log.", "服务器出错，原因见其日志。"),
}
TITLES: dict[str, Words] = {
    "document_not_found": ("This document does not exist", "文档不存在"),
    "no_index": ("Nothing has been indexed yet", "尚未建立索引"),
    "route_not_found": ("There is nothing here", "页面不存在"),
}
_TITLE: Words = ("That did not work", "出错了")


def error_words(code: str, status: int) -> tuple[Words, Words]:
    """Heading and explanation of an error in English and Chinese."""
    return TITLES.get(code, _TITLE), ERROR_WORDS.get(code, _SERVER if status >= 500 else _ADDRESS)
