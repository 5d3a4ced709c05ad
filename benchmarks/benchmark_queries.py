"""The queries of the benchmarks.

English, as in the published comparisons: the list of the search benchmark game (AOL queries; the same words as union, intersection and
phrase), headings (titles of abstracts), and real web queries (TREC million query track). Chinese: spans of the poems themselves.
Phrases: the game's, and spans of 2 to 5 adjacent terms of documents of the collection.

Words that the collection does not have are dropped (of phrases: the whole phrase), and so are repeated words. Queries of more than 10 words
are left out.
"""

import gzip
import json
import random
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from benchmark_collections import DATA, WORD, titles

MAX_WORDS = 10
SEED = 7
Known = Callable[[list[str]], set[str]]


class Query(NamedTuple):
    source: str
    text: str

    @property
    def size(self) -> int:
        return self.text.count(" ") + 1


def bags(collection: str, texts: Path, known: Known, count: int) -> list[Query]:
    """About ``count`` bags of words for OR and AND."""
    if collection == "poems":
        sources = {"span": spans(texts, count)}
    else:
        sources = {"game": _game("union"), "heading": (title.split() for title in titles(30)), "web": _web(20)}
    share = count // len(sources)
    return [q for name, words in sources.items() for q in evenly(_cleaned(name, words, known), share)]


def phrases(collection: str, texts: Path, known: Known, count: int) -> list[Query]:
    """About ``count`` phrases of 2 words or more."""
    sources = {"span": spans(texts, count)}
    if collection != "poems":
        sources["game"] = _game("phrase")
    share = count // len(sources)
    found = [q for name, words in sources.items() for q in evenly(_whole(name, words, known), share)]
    return [q for q in found if q.size > 1]


def evenly(items: Iterable[Query], count: int) -> list[Query]:
    """At most ``count`` of them, in order, evenly spaced, without repetitions."""
    distinct = list(dict.fromkeys(items))
    step = max(1.0, len(distinct) / max(1, count))
    return [distinct[int(i * step)] for i in range(min(count, len(distinct)))]


def spans(texts: Path, count: int) -> Iterator[list[str]]:
    """2 to 5 adjacent terms of documents spread over the collection (a JSONL file)."""
    rng = random.Random(SEED)
    with open(texts, encoding="utf-8") as lines:
        total = sum(1 for _ in lines)
    with open(texts, encoding="utf-8") as lines:
        for line in islice(lines, 0, None, max(1, total // (2 * count))):
            words = json.loads(line)["text"].split()
            size = rng.randint(2, 5)
            start = rng.randrange(max(1, len(words) - size + 1))
            yield words[start : start + size]


def _cleaned(source: str, queries: Iterable[list[str]], known: Known) -> Iterator[Query]:
    listed = list(queries)
    vocabulary = known(sorted({word for words in listed for word in words}))
    for words in listed:
        kept = list(dict.fromkeys(word for word in words if word in vocabulary))
        if 1 <= len(kept) <= MAX_WORDS:
            yield Query(source, " ".join(kept))


def _whole(source: str, queries: Iterable[list[str]], known: Known) -> Iterator[Query]:
    listed = list(queries)
    vocabulary = known(sorted({word for words in listed for word in words}))
    return (Query(source, " ".join(words)) for words in listed if 2 <= len(words) <= MAX_WORDS and vocabulary.issuperset(words))


def _game(kind: str) -> Iterator[list[str]]:
    with gzip.open(DATA / "queries/en-search-benchmark-game.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            if record["tags"][0] == kind:
                yield WORD.findall(record["query"].lower())


def _web(step: int) -> Iterator[list[str]]:
    with gzip.open(DATA / "queries/en-trec-million-query.tsv.gz", "rt", encoding="utf-8") as lines:
        for line in islice(lines, 0, None, step):
            yield WORD.findall(line.split("\t", 1)[1].lower())
