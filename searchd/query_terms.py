"""Text of a query -> the terms that retrieval scores, their weights, and the terms that must be there.

A collection's fields may have different analysers; a query then has the terms of all of them, each at its greatest weight. What can be known
before a query comes (analysers, weights of streams) is worked out once an index, since retrieval itself takes microseconds.
"""

from typing import Any, NamedTuple

from indexer.schema import STREAMS, SUBWORD
from searchd.subwords import Subwords

WORD, HAN1, HAN2, HANWORD = range(4)
# As many as a disjunction may have; further words of a very long text change its ranking little.
MAX_TERMS = 1024
# Stop words, which weigh less, are spelt like too much; parts of codes weigh so much.
LEAST_WEIGHT = 0.5
HAN2_TAG, HAN1_TAG = "\x02", "\x01"


class Weighted(NamedTuple):
    """Distinct terms with postings and the weight of each: that of its stream times that in the query."""

    terms: list[str]
    weights: list[float]


class Sequence(NamedTuple):
    """Terms side by side in one field (its number) or in any (None); ``extra`` are rarer terms of the same text, such as pairs of characters."""

    terms: list[str]
    extra: list[str]
    field: int | None


class Code(NamedTuple):
    """A term that stands for several in sequence, such as re.sub, iphone15 or t恤: a text has it whole, or its parts side by side."""

    whole: str
    parts: list[str]


class Needed(NamedTuple):
    """What a document with all of a text has by one analyser: every one of the ``terms``, and every one of the ``codes``, whose parts are among
    the terms."""

    terms: list[str]
    codes: list[Code]


class QueryTerms:
    """The analysis of queries for one index."""

    def __init__(self, index: Any, subwords: Subwords | None = None) -> None:
        self.fields = {field.name: number for number, field in enumerate(index.schema.text_fields)}
        self._by_field = {name: index.analyzer(name) for name in self.fields}
        by_name = {analyzer.name: analyzer for analyzer in self._by_field.values()}
        self.analyzers = list(by_name.values())
        self.stream_weights = (*(index.schema.stream_weights[name] for name in STREAMS), 0.0)
        self.subwords = subwords or Subwords(index)
        self._raw = list(by_name) == ["whitespace"]
        self._word_weight = self.stream_weights[WORD]
        self._subword_weight = 0.0 if self._raw else index.schema.stream_weights[SUBWORD]
        self._sequence = self.analyzers[0].sequence

    def analyzer(self, field: str) -> Any:
        """The analyser of a text field."""
        return self._by_field[field]

    @property
    def words_analyzer(self) -> Any:
        """The one for what people write, where there is one."""
        return next((analyzer for analyzer in self.analyzers if analyzer.name == "standard"), self.analyzers[0])

    def analyse(self, text: str) -> list:
        """The QueryTerms of a text, jieba words included."""
        if len(self.analyzers) == 1:
            return self.analyzers[0].query_terms(text)
        best: dict[str, Any] = {}
        for analyzer in self.analyzers:
            for term in analyzer.query_terms(text):
                if term.term not in best or best[term.term].weight < term.weight:
                    best[term.term] = term
        return list(best.values())

    def plain_words(self, text: str) -> list[str] | None:
        """The words of text that was cut into tokens before, each once and so all of the same weight; None if this is not so simple."""
        if not self._raw or self._word_weight <= 0.0:
            return None
        words = self._sequence(text)
        return words if len(words) < 2 or len(set(words)) == len(words) <= MAX_TERMS else None

    def weighted(self, text: str) -> Weighted:
        """Terms and weights of plain text."""
        if self._raw:
            return self._weighted_raw(text)
        return self.weigh(self.analyse(text))

    def _weighted_raw(self, text: str) -> Weighted:
        """Text that was cut into tokens before: no analyser, no objects, the fastest path."""
        words = self._sequence(text)
        weights = dict.fromkeys(words, self._word_weight)
        if len(weights) != len(words):
            weights = dict.fromkeys(words, 0.0)
            for word in words:
                weights[word] += self._word_weight
        if len(weights) > MAX_TERMS:
            return Weighted(list(weights)[:MAX_TERMS], list(weights.values())[:MAX_TERMS])
        return Weighted(list(weights), list(weights.values()))

    def weigh(self, query_terms: list) -> Weighted:
        """Query terms that have postings, weighted by their streams."""
        streams = self.stream_weights
        terms, weights = [], []
        for term in query_terms:
            weight = streams[term.stream] * term.weight
            if weight > 0.0 and term.stream != HANWORD:
                terms.append(term.term)
                weights.append(weight)
        if len(terms) > MAX_TERMS:
            kept = sorted(sorted(range(len(terms)), key=lambda i: -weights[i])[:MAX_TERMS])
            return Weighted([terms[i] for i in kept], [weights[i] for i in kept])
        return Weighted(terms, weights)

    def asked(self, text: str) -> tuple[list[str], Weighted]:
        """The terms of plain text, and what is scored for it: they, and words spelt like them."""
        if self._raw:
            found = self._weighted_raw(text)
            return found.terms, found
        analysed = self.analyse(text)
        found = self.weigh(analysed)
        return found.terms, self.with_similar(analysed, found)

    def with_similar(self, query_terms: list, found: Weighted) -> Weighted:
        """``found`` with the words of the dictionary that are spelt like words of the query, which score but are never required."""
        if self._subword_weight <= 0.0:
            return found
        weights = dict(zip(found.terms, found.weights))
        for term in query_terms:
            if term.stream == WORD and term.weight >= LEAST_WEIGHT:
                weight = self._subword_weight * term.weight
                for other, worth in self.subwords.similar(term.term):
                    weights[other] = weights.get(other, 0.0) + weight * worth
        return Weighted(list(weights)[:MAX_TERMS], list(weights.values())[:MAX_TERMS])

    def needed(self, text: str) -> list[Needed]:
        """For each analyser what a document with all of ``text`` has; none where it has no terms."""
        if self._raw:
            words = self._weighted_raw(text).terms
            return [Needed(words, [])] if words else []
        found = [self._needed(text, analyzer) for analyzer in self.analyzers]
        return [one for one in found if one.terms or one.codes]

    def _needed(self, text: str, analyzer: Any) -> Needed:
        analysed = analyzer.query_terms(text)
        codes = [code for term in analysed if term.stream == WORD and (code := _code(term.term, text[term.start : term.end], analyzer))]
        whole = {code.whole for code in codes}
        return Needed([term for term in required_terms(self.weigh(analysed).terms) if term not in whole], codes)

    def sequences(self, text: str, field: str | None = None) -> list[Sequence]:
        """What must stand side by side for ``text`` to occur: one sequence an analyser; none when the text has no terms."""
        number = None if field is None else self.fields[field]
        if self._raw:
            words = self._sequence(text)
            return [Sequence(words, [], number)] if words else []
        analyzers = self.analyzers if field is None else [self._by_field[field]]
        analysed = [analyzer.index_terms(text) for analyzer in analyzers]
        distinct = {tuple(found.sequence): found for found in analysed if found.sequence}
        return [Sequence(_name(found) or found.sequence, found.extra, number) for found in distinct.values()]


def _code(term: str, typed: str, analyzer: Any) -> Code | None:
    """The term as a code, if what was typed for it is one; 1,000 is a number, which has groups but no parts."""
    if typed.isascii() and typed.isalpha() or term.replace(".", "").isdecimal():
        return None
    parts = analyzer.sequence(typed)
    return Code(term, parts) if len(parts) > 1 else None


def _name(found: Any) -> list[str]:
    """The whole term of a text that is one name whose parts alone say something else: .NET is not net, 1,000 is 1000; else nothing."""
    whole = found.extra[0] if found.extra else ""
    dotted = whole[:1] == "." and len(found.sequence) == 1
    number = len(found.extra) == 1 and whole.replace(".", "").isdecimal() and whole == "".join(found.sequence)
    return [whole] if dotted or number else []


def required_terms(terms: list[str]) -> list[str]:
    """Of a query's terms those that a document with all of its words has: words and Han bigrams, a Han character only where no bigram holds it."""
    covered = {character for term in terms if term[0] == HAN2_TAG for character in term[1:]}
    if not covered:
        return terms
    return [term for term in terms if term[0] != HAN1_TAG or term[1:] not in covered]
