"""The beginning of a query -> whole queries that find something.

The last word is completed from the term dictionary: words by their prefix, Chinese by the jieba words that begin with its last characters. What the
dictionary holds are stems, so each is shown as a document spells it. Titles that contain what was typed come after: they are taken from the best
documents for it, which costs one retrieval and no index of its own.
"""

import re
from collections import Counter
from typing import Any

from indexer.folding import fold
from indexer.format import HANWORD
from indexer.values import texts
from searchd.query import normalise
from searchd.snapshot import Snapshot

MAX_TITLE = 80
# Documents whose text is looked at for a spelling, and for titles.
READ_DOCS = 3
TITLE_DOCS = 20
MAX_READ = 4000
_LAST_WORD = re.compile(r"[^\s\"()]+$")
_HAN_TAIL = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003134f]+$")

Suggestion = tuple[str, int]


def suggest(snapshot: Snapshot, q: str, limit: int) -> list[Suggestion]:
    """Up to ``limit`` completions of ``q``, each once: (query, documents that have the completed word; 0 for a title)."""
    text = normalise(q)
    if not text.strip() or text != text.rstrip() or not snapshot.query_terms.fields:
        return []
    found: dict[str, Suggestion] = {}
    words = _words(snapshot, text, limit)
    titles = _titles(snapshot, text, words)
    # A few titles always have a place, since they name documents and not only words.
    kept = words[: max(1, limit - min(len(titles), limit // 2))]
    for suggestion in [*kept, *titles, *words]:
        found.setdefault(fold(suggestion[0]), suggestion)
    return list(found.values())[:limit]


def _words(snapshot: Snapshot, text: str, limit: int) -> list[Suggestion]:
    """The query with its last word completed, commonest word first."""
    han = _HAN_TAIL.search(text)
    if han:
        return _han_words(snapshot, text, han.start(), limit)
    last = _LAST_WORD.search(text)
    if not last:
        return []
    found = [
        (text[: last.start()] + spelling, df)
        for prefix in snapshot.prefixes_of(last.group())
        for term, df in snapshot.with_prefix(prefix, limit)
        if (spelling := _spelling(snapshot, term, prefix))
    ]
    return sorted(found, key=lambda suggestion: -suggestion[1])


def _han_words(snapshot: Snapshot, text: str, start: int, limit: int) -> list[Suggestion]:
    """The longest tail of the Han run that begins some jieba word is completed."""
    tails = range(max(start, len(text) - 6), len(text))
    for at in tails:
        completed = snapshot.with_prefix(HANWORD + fold(text[at:]), limit)
        if completed:
            return [(text[:at] + term[1:], df) for term, df in completed]
    return []


def _spelling(snapshot: Snapshot, term: str, prefix: str) -> str | None:
    """How the best documents for a term spell it most often, in lower case; None when no spelling goes on from the prefix."""
    spellings: Counter[str] = Counter()
    docs, _ = snapshot.retriever.top([term], [1.0], READ_DOCS)
    for doc in docs.tolist():
        document = snapshot.index.stored(doc)
        for name in snapshot.query_terms.fields:
            for text in texts(document.get(name))[:READ_DOCS]:
                _count_spellings(spellings, snapshot.query_terms.analyzer(name), text[:MAX_READ], term)
    fitting = [(-count, spelling) for spelling, count in spellings.items() if spelling.startswith(prefix)]
    return min(fitting)[1] if fitting else None


def _count_spellings(spellings: Counter[str], analyzer: Any, text: str, term: str) -> None:
    for start, end, _ in analyzer.occurrences(text, {term}):
        spellings[fold(text[start:end])] += 1


def _titles(snapshot: Snapshot, text: str, words: list[Suggestion]) -> list[Suggestion]:
    """Titles of the best documents for what was typed, or for its first completion, that contain what was typed."""
    wanted = fold(text.strip())
    if len(wanted) < 2:
        return []
    name = max(snapshot.index.schema.text_fields, key=lambda field: field.weight).name
    found: dict[str, Suggestion] = {}
    for query in [text, *(word for word, _ in words[:2])]:
        terms, weights = snapshot.query_terms.weighted(query)
        docs: Any = snapshot.retriever.top(terms, weights, TITLE_DOCS)[0] if terms else ()
        for doc in docs:
            title = " ".join(" ".join(texts(snapshot.index.stored(int(doc)).get(name))[:1]).split())
            if title and len(title) <= MAX_TITLE and _begins_word(wanted, fold(title)):
                found.setdefault(fold(title), (title, 0))
    return list(found.values())


def _begins_word(wanted: str, title: str) -> bool:
    """Whether ``wanted`` stands in the title at the start of a word; Chinese words may start anywhere."""
    at = title.find(wanted)
    return at == 0 or (at > 0 and (not title[at - 1].isalnum() or not wanted[0].isascii()))
