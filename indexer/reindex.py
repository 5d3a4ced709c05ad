"""A changed lexicon -> the next generation, by analysing only the documents that have a word of the change.

What a user's word does to a text it does only where the text has it: jieba's weights do not depend on the words of a user (``han_tables.py``), and
a mixed word is looked for as it is. So of two lexicons those words matter that only one of them has, or that have another frequency; the documents
with one of them are taken out of the published generation, as an update would, and put behind the others, analysed anew. Every term then has the
df of a full build, every document its score; the documents that were analysed anew have other numbers, which decides between equal scores.

The manifest says which words the index was built with. That nothing else differs is proven first: the analyzer of those words must have the
fingerprint in the manifest.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from indexer.analysis import Analyzer, former_analyzer, get_analyzer
from indexer.changes import WAIT_SECONDS, publish_changes
from indexer.documents import Document
from indexer.folding import fold_keeping_case, same_case
from indexer.home import Home
from indexer.index import REBUILD, AnalyzerMismatch, Index, lexicon_of
from indexer.mixed import is_mixed
from indexer.postings_view import PostingsView
from indexer.publish import current_generation, writer_lock
from indexer.scripts import HAN
from indexer.segment import Segment
from indexer.tokens import STREAM_HAN2, STREAM_WORD, stream_of
from indexer.values import texts

_ALL_HAN = re.compile(f"[{HAN}]+")


class ReindexReport(NamedTuple):
    """What was done: words that were added, removed or given another frequency, documents that were analysed anew, of how many."""

    words: int
    affected: int
    documents: int
    generation: str


def reindex_affected(home: Home) -> ReindexReport:
    """Bring the published index up to date with the home's lexicon; raises NoIndex, IndexLocked, LexiconError, or AnalyzerMismatch when more
    than the lexicon has changed."""
    current_generation(home)  # before the lock, which would make the folder of a home that is none
    with writer_lock(home, WAIT_SECONDS), Index.open(home, any_analyzer=True) as index:
        former = {name: _former(index, name) for name in index.manifest.analyzers}
        now = {name: get_analyzer(name, lexicon_of(home)) for name in former}
        words = {name: changed_words(former[name].words, now[name].words) for name in former}
        if all(former[name].fingerprint == now[name].fingerprint for name in former):
            return ReindexReport(0, 0, index.num_docs, index.generation)
        affected = sorted(set(_affected(index, former, words)))
        segments = [index.locate(doc) for doc in affected]
        documents = [Document(segment.key(doc), segment.fields(doc)) for segment, doc in segments]
        analyzers = [former[field.analyzer] for field in index.schema.text_fields]
        generation = publish_changes(home, index, documents, set(affected), analyzers)
        return ReindexReport(len(set().union(*words.values())), len(affected), index.num_docs, generation)


def changed_words(former: Iterable[tuple[str, int]], now: Iterable[tuple[str, int]]) -> frozenset[str]:
    """Words that one lexicon alone has, or that have another frequency there."""
    return frozenset(word for word, _ in set(former) ^ set(now) if _ALL_HAN.fullmatch(word) or is_mixed(word))


def _former(index: Index, name: str) -> Analyzer:
    """The analyzer that the index was built by; raises AnalyzerMismatch when this program has it no more, with any lexicon."""
    built = index.manifest.analyzers[name]
    former = former_analyzer(name, index.manifest.words(name))
    if former.fingerprint != built["fingerprint"]:
        raise AnalyzerMismatch(index.home.index / index.generation, name, built["spec"], former.spec, REBUILD)
    return former


def _affected(index: Index, former: dict[str, Analyzer], words: dict[str, frozenset[str]]) -> Iterator[int]:
    """Live documents with a changed word in a field whose analyzer knows it, by global number."""
    for segment, base in zip(index.segments, index.bases.tolist()):
        view = PostingsView(segment.postings, segment.terms.df)
        for name, changed in words.items():
            fields = [field.name for field in index.schema.text_fields if field.analyzer == name]
            for doc, found in _candidates(segment, view, former[name], sorted(changed)).items():
                if has_a_word(segment.fields(doc), fields, found):
                    yield base + doc


def _candidates(segment: Segment, view: PostingsView, analyzer: Analyzer, words: Sequence[str]) -> dict[int, list[str]]:
    """Live documents that have all terms that a text with a word has -> those words."""
    found: dict[int, list[str]] = {}
    for word in words:
        for doc in _documents_with(segment, view, _terms_of(analyzer, word)):
            if segment.live is None or segment.live[doc]:
                found.setdefault(doc, []).append(word)
    return found


def _terms_of(analyzer: Analyzer, word: str) -> list[str]:
    """Terms that every text with the word has, whether or not the analyzer knows it: words, and Han pairs or lone characters."""
    indexed = analyzer.index_terms(word)
    pairs = [term for term in indexed.extra if stream_of(term) == STREAM_HAN2]
    covered = {char for pair in pairs for char in pair[1:]}
    singles = [term for term in indexed.sequence if stream_of(term) == STREAM_WORD or term[1:] not in covered]
    return list(dict.fromkeys(pairs + singles))


def _documents_with(segment: Segment, view: PostingsView, terms: Sequence[str]) -> list[int]:
    ids = segment.lookup(terms)
    if len(ids) == 0 or ids.min() < 0:
        return []
    docs, _ = view.postings(int(ids[0]))
    for term in ids[1:].tolist():
        docs = np.intersect1d(docs, view.postings(term)[0], assume_unique=True)
    return docs.tolist()


def has_a_word(fields: dict[str, object], names: Sequence[str], words: Sequence[str]) -> bool:
    """Whether the folded text of one of the named fields has one of the words."""
    return any(word in text for name in names for text in map(_comparable, texts(fields.get(name))) for word in words)


def _comparable(text: str) -> str:
    return same_case(fold_keeping_case(text))
