"""The beginning of a query -> whole queries that find something: asked by many before, titles, and the last word completed.

What may be suggested is in tables (``suggestions.py``), by Latin letters, by Chinese characters and by their pinyin; Chinese words are those of the
term dictionary. No document is read here.
"""

import re

from indexer.folding import fold
from indexer.format import HANWORD
from searchd.query import normalise
from searchd.snapshot import Snapshot

_LAST_WORD = re.compile(r"[^\s\"()]+$")
_HAN_TAIL = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003134f]+$")
_LETTERS = re.compile(r"[a-z]{2,40}\Z")

Suggestion = tuple[str, int]


def suggest(snapshot: Snapshot, q: str, limit: int) -> list[Suggestion]:
    """Up to ``limit`` completions of ``q``, each once: (query, documents that have the completed word; 0 for a whole query or a title)."""
    text = normalise(q)
    if not text.strip() or text != text.rstrip() or not snapshot.query_terms.fields:
        return []
    phrases = _phrases(snapshot, text, limit)
    words = _words(snapshot, text, limit)
    # Whole queries and titles have up to half of the places, since they name more than a word does.
    kept = words[: max(1, limit - min(len(phrases), limit // 2))]
    found: dict[str, Suggestion] = {}
    for suggestion in [*kept, *phrases, *words]:
        found.setdefault(fold(suggestion[0]), suggestion)
    return list(found.values())[:limit]


def _phrases(snapshot: Snapshot, text: str, limit: int) -> list[Suggestion]:
    """Popular queries and titles that begin so or have a word that does."""
    tables = snapshot.suggestions.get()
    typed = fold(text).lstrip()
    if tables is None or len(typed) < 2 and typed.isascii():
        return []
    return [(entry.text, entry.df) for entry in tables.phrases.beginning(typed, limit)]


def _words(snapshot: Snapshot, text: str, limit: int) -> list[Suggestion]:
    """The query with its last word completed, commonest word first."""
    han = _HAN_TAIL.search(text)
    if han:
        return _han_words(snapshot, text, han.start(), limit)
    last, tables = _LAST_WORD.search(text), snapshot.suggestions.get()
    if not last or tables is None:
        return []
    before, typed = text[: last.start()], fold(last.group())
    found = [(before + entry.text, entry.df) for entry in tables.words.beginning(typed, limit)]
    return found + _pinyin_words(snapshot, before, typed, limit) if len(found) < limit else found


def _pinyin_words(snapshot: Snapshot, before: str, typed: str, limit: int) -> list[Suggestion]:
    """Chinese words whose pinyin or initials begin with what was typed."""
    table = snapshot.han_words.get() if _LETTERS.match(typed) else None
    return [] if table is None else [(before + word, table.df[word]) for word in table.beginning(typed, limit)]


def _han_words(snapshot: Snapshot, text: str, start: int, limit: int) -> list[Suggestion]:
    """The longest tail of the Han run that begins some jieba word is completed."""
    tails = range(max(start, len(text) - 6), len(text))
    for at in tails:
        completed = snapshot.with_prefix(HANWORD + fold(text[at:]), limit)
        if completed:
            return [(text[:at] + term[1:], df) for term, df in completed]
    return []
