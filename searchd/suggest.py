"""The beginning of a query -> whole queries that find something: asked by many before, titles, and the last word completed.

What may be suggested is in tables (``suggestions.py``), by Latin letters, by Chinese characters and by their pinyin; Chinese words are those of the
term dictionary. No document is read here. Where nothing begins so, what was typed is taken for a typing error: the whole query, or its last word, of
which one letter may be too many, missing, wrong or exchanged with the next.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from indexer.folding import fold
from indexer.format import HANWORD
from searchd.correction import corrected
from searchd.plan import make_plan
from searchd.query import normalise, parse_query
from searchd.snapshot import Snapshot
from searchd.spelling import ONE_EDIT

_LAST_WORD = re.compile(r"[^\s\"()]+$")
_HAN_TAIL = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003134f]+$")
_LETTERS = re.compile(r"[a-z]{2,40}\Z")

_ALPHABET = "abcdefghijklmnopqrstuvwxyz"
# Letters of a last word that is corrected: it has about 54 variants for each.
MAX_CORRECTED = 20

Suggestion = tuple[str, int]


class Completions(NamedTuple):
    """``suggestions`` for what was typed or, where it has none, for ``corrected_query``."""

    suggestions: list[Suggestion]
    corrected_query: str | None = None


def complete(snapshot: Snapshot, q: str, limit: int) -> Completions:
    """``suggest``, put right where what was typed begins nothing."""
    found = suggest(snapshot, q, limit)
    if found or not q.strip():
        return Completions(found)
    for meant in _meant(snapshot, q):
        found = suggest(snapshot, meant, limit)
        if found:
            return Completions(found, meant)
    return Completions([])


def _meant(snapshot: Snapshot, q: str) -> Iterator[str]:
    """What was probably meant, the likeliest first."""
    query = parse_query(q, snapshot.query_fields)
    whole = corrected(query, make_plan(query, snapshot, "or"), snapshot)
    if whole is not None:
        yield whole
    last, tables = _LAST_WORD.search(query.text), snapshot.suggestions.get()
    if last is not None and tables is not None and query.plain:
        near = tables.words.any_beginning(_variants(fold(last.group())))
        weights = {one: tables.words.beginning(one, 1)[0].df for one in near}
        yield from (query.text[: last.start()] + one for one in sorted(near, key=lambda one: -weights[one])[:1])


def _variants(typed: str) -> list[str]:
    """All beginnings of words one edit away from letters that are enough to have one; the first letter is right."""
    if not (ONE_EDIT <= len(typed) <= MAX_CORRECTED and _LETTERS.match(typed)):
        return []
    cuts = [(typed[:i], typed[i:]) for i in range(1, len(typed) + 1)]
    missing = [a + b[1:] for a, b in cuts if b]
    exchanged = [a + b[1] + b[0] + b[2:] for a, b in cuts if len(b) > 1]
    wrong = [a + letter + b[1:] for a, b in cuts if b for letter in _ALPHABET]
    more = [a + letter + b for a, b in cuts if b for letter in _ALPHABET]
    return list(dict.fromkeys(one for one in (*exchanged, *missing, *wrong, *more) if one != typed))


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
    return [] if table is None else [(before + word, df) for word, df in table.beginning(typed, limit)]


def _han_words(snapshot: Snapshot, text: str, start: int, limit: int) -> list[Suggestion]:
    """The longest tail of the Han run that begins some jieba word is completed."""
    tails = range(max(start, len(text) - 6), len(text))
    for at in tails:
        completed = snapshot.with_prefix(HANWORD + fold(text[at:]), limit)
        if completed:
            return [(text[:at] + term[1:], df) for term, df in completed]
    return []
