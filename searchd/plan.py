"""A parsed query -> what to score and which documents may match.

A plain word is a wish: it scores, and with mode "or" any of the query's words is enough (with "and" all are needed). Everything with an operator
is a demand: a phrase, ``field:word``, ``prefix*`` or an ``OR`` group must match, ``-not`` must not; demands become a mask over the documents,
and their words score as well. Queries of plain words, nearly all there are, get no mask.
"""

from typing import Any, NamedTuple

import numpy as np

from searchd.filters import compare, number_of
from searchd.han_words import pinyin_spans
from searchd.masks import Mask, all_of, having_code, occurs, units_of
from searchd.query import Group, Node, Not, Or, Phrase, Query, Word
from searchd.query_terms import WORD, Sequence, Weighted
from searchd.synonym_plan import Scored, add_synonyms, synonym_mask

# All words that begin with a prefix match; so many of the most frequent of them score, each half of what a typed word does.
MAX_EXPANSIONS = 128
EXPANSION_WEIGHT = 0.5


class Plan(NamedTuple):
    """How a query is answered.

    ``query_terms`` are the analyser's, for features and highlights; ``terms`` and ``weights`` are scored; ``required`` (None = any term is
    enough) must be there, all of them or at least ``minimum``; ``phrase`` must stand there; ``mask`` bool[max_doc] or None. ``listing``: the
    mask or the phrase alone says what matches, terms only give the order. For highlights: ``phrases`` are those typed, ``prefixes`` the beginnings
    of words that were asked for, ``further`` terms beyond the query and their weights.
    """

    text: str
    query_terms: list
    terms: list[str]
    weights: list[float]
    required: list[str] | None = None
    mask: Mask | None = None
    listing: bool = False
    phrase: Sequence | None = None
    minimum: int | None = None
    phrases: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    further: tuple[tuple[str, float], ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing can match."""
        return not self.terms and not self.listing

    @property
    def mode(self) -> str:
        return "or" if self.required is None else "and"


def make_plan(
    query: Query, snapshot: Any, mode: str, filter_mask: Mask | None = None, listing: bool = False, minimum: int | None = None
) -> Plan:
    """Plan a query; ``listing`` says that a query without words stands for all documents (there is a filter or a sort).

    ``minimum``: so many of the plain words are enough, whatever the mode.
    """
    if query.plain:
        plan = plain_plan(query.text, snapshot, mode, minimum, query.spoken)
        listing = listing and not query.text.strip()
        return plan._replace(mask=all_of([plan.mask, filter_mask]), listing=listing)
    return _Planner(snapshot, mode, minimum).plan(query, filter_mask, listing)


def plain_plan(text: str, snapshot: Any, mode: str, minimum: int | None = None, spoken: bool = True) -> Plan:
    """The plan of a text that is nothing but words, whatever signs are in it; ``spoken``: they may be pinyin."""
    analysed = snapshot.query_terms.analyse(text)
    terms, weights = snapshot.query_terms.weigh(analysed)
    scored, wish = _wished(Scored(terms, weights), text, terms, snapshot, mode, minimum, spoken)
    likened = _known(analysed, snapshot) if scored.further and not _has_synonyms(text, snapshot) else analysed
    terms, weights = snapshot.query_terms.with_similar(likened, Weighted(scored.terms, scored.weights))
    return Plan(text, analysed, terms, weights, wish.required, wish.mask, minimum=wish.minimum, further=scored.further)


def _has_synonyms(text: str, snapshot: Any) -> bool:
    return bool(snapshot.synonyms and snapshot.synonyms.spans(text))


def _known(analysed: list, snapshot: Any) -> list:
    """The terms that documents have: pinyin that none has is spelt like nothing that was meant."""
    counts = snapshot.retriever.numbers_of_postings([term.term for term in analysed])
    return [term for term, count in zip(analysed, counts) if count]


class Wish(NamedTuple):
    """What the plain words of a query ask: of the terms ``required`` all or ``minimum`` must be there, or the document be in the mask."""

    required: list[str] | None = None
    minimum: int | None = None
    mask: Mask | None = None


def wish_of(text: str, terms: list[str], snapshot: Any, mode: str, minimum: int | None = None) -> Wish:
    """What any, all or ``minimum`` of the words means for a text with these terms; a mask where there are codes or several analysers.

    A code is there as a whole or in parts side by side. Of several analysers any one may find a word, since fields with another one hold another
    form of it.
    """
    if not terms or (mode == "or" if minimum is None else minimum <= 1):
        return Wish()
    if len(snapshot.query_terms.analyzers) > 1:
        return _counted([mask for word in text.split() for mask in units_of(snapshot, word)], minimum)
    (needed,) = snapshot.query_terms.needed(text)
    if not needed.codes:
        return Wish(needed.terms, None if minimum is None or minimum >= len(needed.terms) else minimum)
    if minimum is None:
        return Wish(needed.terms, mask=all_of([having_code(snapshot, code) for code in needed.codes]))
    return _counted(units_of(snapshot, text), minimum)


def _counted(having: list[Mask], minimum: int | None) -> Wish:
    """All, or ``minimum``, of the masks."""
    if minimum is None or minimum >= len(having):
        return Wish(mask=all_of(having))
    return Wish(mask=np.asarray(np.sum(having, axis=0, dtype=np.int32) >= minimum))


def _wished(
    scored: Scored, text: str, terms: list[str], snapshot: Any, mode: str, minimum: int | None, spoken: bool
) -> tuple[Scored, Wish]:
    """What scores and what must be there when ``text``, which has these terms, are a query's plain words.

    They may have synonyms, or, if ``spoken``, be the pinyin of Chinese words.
    """
    spans = snapshot.synonyms.spans(text) if snapshot.synonyms else []
    if not spans and spoken:
        spans = pinyin_spans(text, terms, snapshot)
    if not spans:
        return scored, wish_of(text, terms, snapshot, mode, minimum)
    return add_synonyms(scored, text, spans, snapshot), Wish(mask=synonym_mask(text, spans, snapshot, mode, minimum))


class _Demand(NamedTuple):
    """A mask; ``scores``: documents in it have terms that score (a column's do not); ``negative``: it only takes away."""

    mask: Mask
    scores: bool = True
    negative: bool = False


class _Planner:
    """Walks a tree once, collecting words, texts that score, expansions of prefixes and demands."""

    def __init__(self, snapshot: Any, mode: str, minimum: int | None = None) -> None:
        self.snapshot, self.mode, self.minimum = snapshot, mode, minimum
        self.texts: list[str] = []
        self.expansions: dict[str, None] = {}
        self.phrase: Sequence | None = None
        self.phrases: list[str] = []
        self.prefixes: list[str] = []

    def plan(self, query: Query, filter_mask: Mask | None, listing: bool) -> Plan:
        """What to score, demand and mark for a parsed query; raises SearchdError for what the index cannot answer.

        ``filter_mask`` bool[max_doc]: the documents that a filter leaves. ``listing``: demands without words list what meets them.
        """
        words, demands = self._split(query.nodes, positive=True, top=True)
        query_terms = self.snapshot.query_terms
        analysed = query_terms.analyse(" ".join(self.texts))
        terms, weights = query_terms.weigh(analysed)
        typed = list(analysed)
        self._add_expansions(analysed, terms, weights)
        wished = query_terms.weighted(" ".join(words)).terms
        text = " ".join(words)
        scored, wish = _wished(Scored(terms, weights), text, wished, self.snapshot, self.mode, self.minimum, query.spoken)
        asked = self.phrase is not None or any(not demand.negative for demand in demands)
        mask = all_of([*(demand.mask for demand in demands), wish.mask, filter_mask])
        listed = not wished and (asked or (listing and bool(demands)))
        marked = tuple(self.phrases), tuple(self.prefixes)
        found = query_terms.with_similar(typed, Weighted(scored.terms, scored.weights))
        plan = Plan(
            " ".join(self.texts), analysed, found.terms, found.weights, wish.required, mask, listed, self.phrase, wish.minimum, *marked
        )
        return plan._replace(further=scored.further)

    def _becomes_the_phrase(self, node: Phrase) -> bool:
        """Whether a phrase at the query's top is the first that only one analyser makes something of; then it need not become a mask."""
        fields = self.snapshot.query_terms.fields
        if self.phrase or self.minimum or (node.field is not None and node.field not in fields):
            return False
        sequences = self.snapshot.query_terms.sequences(node.text, node.field)
        if len(sequences) != 1 or len(sequences[0].terms) == 1:
            return False
        self.phrase = sequences[0]
        return True

    def _add_expansions(self, analysed: list, terms: list[str], weights: list[float]) -> None:
        known = set(terms)
        weight = EXPANSION_WEIGHT * self.snapshot.query_terms.stream_weights[WORD]
        for term in self.expansions:
            if term not in known:
                terms.append(term)
                weights.append(weight)
                analysed.append(self.snapshot.query_term(term, EXPANSION_WEIGHT))

    def _split(self, nodes: tuple[Node, ...], positive: bool, top: bool = False) -> tuple[list[str], list[_Demand]]:
        """Plain words and demands of clauses side by side; groups inside are the same clauses. At the query's ``top`` a phrase may be neither."""
        words: list[str] = []
        demands: list[_Demand] = []
        for node in nodes:
            if isinstance(node, Group):
                more_words, more_demands = self._split(node.nodes, positive, top)
                words += more_words
                demands += more_demands
            elif isinstance(node, Word) and self._is_plain(node):
                words.append(_typed(node))
                self._score(_typed(node), positive)
            elif top and isinstance(node, Phrase) and self._becomes_the_phrase(node):
                self._score_phrase(node, positive)
            else:
                demand = self._demand(node, positive)
                if demand is not None:
                    demands.append(demand)
        return words, demands

    def _score(self, text: str, positive: bool) -> None:
        if positive:
            self.texts.append(text)

    def _score_phrase(self, node: Word | Phrase, positive: bool) -> None:
        self._score(node.text, positive)
        if positive and isinstance(node, Phrase):
            self.phrases.append(node.text)

    def _is_plain(self, word: Word) -> bool:
        """Also true of ``year:soon``, which cannot mean what it looks like."""
        if word.field is None or word.field in self.snapshot.query_terms.fields:
            return word.plain
        return self._column_value(word.field, word.text) is None

    def _demand(self, node: Node, positive: bool) -> _Demand | None:
        """The documents that a clause holds for; None when it says nothing, such as a phrase of punctuation."""
        if isinstance(node, Not):
            inside = self._demand(node.node, positive=False)
            return None if inside is None else _Demand(~inside.mask, scores=False, negative=True)
        if isinstance(node, Or):
            found = [demand for child in node.nodes if (demand := self._demand(child, positive)) is not None]
            return _Demand(np.logical_or.reduce([d.mask for d in found]), all(d.scores for d in found)) if found else None
        if isinstance(node, Group):
            return self._group(node, positive)
        if node.field is not None and node.field not in self.snapshot.query_terms.fields:
            return self._column(node, positive)
        return self._text(node, positive)

    def _group(self, node: Group, positive: bool) -> _Demand | None:
        """A group inside an ``OR`` or ``-``: its words count as the query's own would."""
        words, demands = self._split(node.nodes, positive)
        masks: list[Mask | None] = [demand.mask for demand in demands]
        scores = any(demand.scores for demand in demands)
        wishes = [mask for word in words if (mask := occurs(self.snapshot, word)) is not None]
        if wishes and (self.mode == "and" or not scores):
            combine = np.logical_and if self.mode == "and" else np.logical_or
            masks.append(combine.reduce(wishes))
        mask = all_of(masks)
        return None if mask is None else _Demand(mask, scores or bool(wishes))

    def _column(self, node: Word | Phrase, positive: bool) -> _Demand | None:
        assert node.field is not None
        value = self._column_value(node.field, node.text)
        if value is None:
            return self._text(Phrase(f"{node.field} {node.text}"), positive)
        return _Demand(compare(self.snapshot.columns[node.field], "=", (value,)), scores=False)

    def _column_value(self, field: str, text: str) -> object:
        """The text in the terms of a column, None when it is no value of its."""
        kind = self.snapshot.columns.kinds[field]
        if kind == "keyword":
            return text
        try:
            return number_of(kind, text)
        except (ValueError, OverflowError, TypeError):
            return None

    def _text(self, node: Word | Phrase, positive: bool) -> _Demand | None:
        if isinstance(node, Word) and node.prefix:
            found = self._prefixed(node, positive)
        else:
            self._score_phrase(node, positive)
            found = occurs(self.snapshot, node.text, node.field)
        return None if found is None else _Demand(found)

    def _prefixed(self, node: Word, positive: bool) -> Mask | None:
        """Where a word occurs that begins so, or what was typed itself does: "running*" means the stem "run" too, and Han text is a phrase."""
        self._score(node.text, positive)
        prefixes = self.snapshot.prefixes_of(node.text)
        terms = [term for prefix in prefixes for term, _ in self.snapshot.with_prefix(prefix, MAX_EXPANSIONS)]
        if positive:
            self.expansions.update(dict.fromkeys(terms))
            self.prefixes += prefixes
        itself = occurs(self.snapshot, node.text, node.field)
        if itself is None or not terms:
            return itself
        field = None if node.field is None else self.snapshot.query_terms.fields[node.field]
        return itself | self.snapshot.retriever.matches_prefix(prefixes, field)


def _typed(word: Word) -> str:
    return word.text if word.field is None else f"{word.field}:{word.text}"


def matched_docs(plan: Plan, snapshot: Any) -> Mask:
    """bool[max_doc]: every document that matches, deleted ones not."""
    if plan.empty:
        return np.zeros(snapshot.index.max_doc, np.bool_)
    mask: Mask = snapshot.live.copy()
    if plan.mask is not None:
        mask &= plan.mask
    if plan.phrase is not None:
        mask &= snapshot.retriever.phrase(plan.phrase.terms, plan.phrase.field, extra=plan.phrase.extra)
    if plan.minimum is not None:
        mask &= snapshot.retriever.matches_minimum(plan.required, plan.minimum)
    elif plan.required is not None:
        mask &= snapshot.retriever.matches_all(plan.required)
    elif not plan.listing and plan.phrase is None:
        mask &= snapshot.retriever.matches(plan.terms)
    return mask
