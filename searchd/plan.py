"""A parsed query -> what to score and which documents may match.

A plain word is a wish: it scores, and with mode "or" any of the query's words is enough (with "and" all are needed). Everything with an operator
is a demand: a phrase, ``field:word``, ``prefix*`` or an ``OR`` group must match, ``-not`` must not; demands become a mask over the documents,
and their words score as well. Queries of plain words, nearly all there are, get no mask.
"""

from typing import Any, NamedTuple

import numpy as np

from searchd.filters import compare, number_of
from searchd.query import Group, Node, Not, Or, Phrase, Query, Word
from searchd.query_terms import WORD, Sequence, required_terms

# A prefix stands for so many of its most frequent terms, each of them scoring half of what a typed word does.
MAX_EXPANSIONS = 128
EXPANSION_WEIGHT = 0.5

Mask = np.ndarray


class Plan(NamedTuple):
    """How a query is answered.

    ``query_terms`` are the analyser's, for features and highlights; ``terms`` and ``weights`` are scored; ``required`` (None = any term is
    enough) must all be there; ``mask`` bool[max_doc] or None. ``listing``: the mask alone says what matches, terms only give the order.
    """

    text: str
    query_terms: list
    terms: list[str]
    weights: list[float]
    required: list[str] | None = None
    mask: Mask | None = None
    listing: bool = False

    @property
    def empty(self) -> bool:
        """Whether nothing can match."""
        return not self.terms and not self.listing

    @property
    def mode(self) -> str:
        return "or" if self.required is None else "and"


def make_plan(query: Query, snapshot: Any, mode: str, filter_mask: Mask | None = None, listing: bool = False) -> Plan:
    """Plan a query; ``listing`` says that a query without words stands for all documents (there is a filter or a sort)."""
    if query.plain:
        plan = plain_plan(query.text, snapshot, mode)
        listing = listing and not query.text.strip()
        return plan._replace(mask=_all([plan.mask, filter_mask]), listing=listing)
    return _Planner(snapshot, mode).plan(query, filter_mask, listing)


def plain_plan(text: str, snapshot: Any, mode: str) -> Plan:
    """The plan of a text that is nothing but words, whatever signs are in it."""
    analysed = snapshot.query_terms.analyse(text)
    terms, weights = snapshot.query_terms.weigh(analysed)
    required, mask = all_words(text, terms, snapshot) if mode == "and" and terms else (None, None)
    return Plan(text, analysed, terms, weights, required, mask)


def all_words(text: str, terms: list[str], snapshot: Any) -> tuple[list[str] | None, Mask | None]:
    """What "all words" means for a text with these terms: the terms that must be there, or where there are several analysers a mask.

    A word then has to be there by any one analyser, since fields with another one hold another form of it.
    """
    if len(snapshot.query_terms.analyzers) == 1:
        return required_terms(terms), None
    words = [alternatives for word in text.split() if (alternatives := snapshot.query_terms.alternatives(word))]
    return None, _all([np.logical_or.reduce([_having(terms, snapshot) for terms in alternatives]) for alternatives in words])


def _having(terms: list[str], snapshot: Any) -> Mask:
    return np.logical_and.reduce([snapshot.retriever.matches([term]) for term in terms])


class _Demand(NamedTuple):
    """A mask; ``scores``: documents in it have terms that score (a column's do not); ``negative``: it only takes away."""

    mask: Mask
    scores: bool = True
    negative: bool = False


class _Planner:
    """Walks a tree once, collecting words, texts that score, expansions of prefixes and demands."""

    def __init__(self, snapshot: Any, mode: str) -> None:
        self.snapshot, self.mode = snapshot, mode
        self.texts: list[str] = []
        self.expansions: dict[str, None] = {}

    def plan(self, query: Query, filter_mask: Mask | None, listing: bool) -> Plan:
        words, demands = self._split(query.nodes, positive=True)
        query_terms = self.snapshot.query_terms
        analysed = query_terms.analyse(" ".join(self.texts))
        terms, weights = query_terms.weigh(analysed)
        self._add_expansions(analysed, terms, weights)
        wished = query_terms.weighted(" ".join(words)).terms
        required, all_there = all_words(" ".join(words), wished, self.snapshot) if self.mode == "and" and wished else (None, None)
        asked = any(not demand.negative for demand in demands)
        mask = _all([*(demand.mask for demand in demands), all_there, filter_mask])
        listed = not wished and (asked or (listing and bool(demands)))
        return Plan(" ".join(self.texts), analysed, terms, weights, required, mask, listed)

    def _add_expansions(self, analysed: list, terms: list[str], weights: list[float]) -> None:
        known = set(terms)
        weight = EXPANSION_WEIGHT * self.snapshot.query_terms.stream_weights[WORD]
        for term in self.expansions:
            if term not in known:
                terms.append(term)
                weights.append(weight)
                analysed.append(self.snapshot.query_term(term, EXPANSION_WEIGHT))

    def _split(self, nodes: tuple[Node, ...], positive: bool) -> tuple[list[str], list[_Demand]]:
        """Plain words and demands of clauses side by side; groups inside are the same clauses."""
        words: list[str] = []
        demands: list[_Demand] = []
        for node in nodes:
            if isinstance(node, Group):
                more_words, more_demands = self._split(node.nodes, positive)
                words += more_words
                demands += more_demands
            elif isinstance(node, Word) and self._is_plain(node):
                words.append(_typed(node))
                self._score(_typed(node), positive)
            else:
                demand = self._demand(node, positive)
                if demand is not None:
                    demands.append(demand)
        return words, demands

    def _score(self, text: str, positive: bool) -> None:
        if positive:
            self.texts.append(text)

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
        wishes = [mask for word in words if (mask := self._occurs(word, None)) is not None]
        if wishes and (self.mode == "and" or not scores):
            combine = np.logical_and if self.mode == "and" else np.logical_or
            masks.append(combine.reduce(wishes))
        mask = _all(masks)
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
            self._score(node.text, positive)
            found = self._occurs(node.text, node.field)
        return None if found is None else _Demand(found)

    def _occurs(self, text: str, field: str | None) -> Mask | None:
        """Where the terms of ``text`` stand side by side."""
        masks = [self._side_by_side(sequence) for sequence in self.snapshot.query_terms.sequences(text, field)]
        return np.logical_or.reduce(masks) if masks else None

    def _side_by_side(self, sequence: Sequence) -> Mask:
        if len(sequence.terms) == 1:
            return self.snapshot.retriever.matches(sequence.terms, sequence.field)
        return self.snapshot.retriever.phrase(sequence.terms, sequence.field, extra=sequence.extra)

    def _prefixed(self, node: Word, positive: bool) -> Mask | None:
        """Where a word occurs that begins so, or what was typed itself does: "running*" means the stem "run" too, and Han text is a phrase."""
        self._score(node.text, positive)
        prefixes = self.snapshot.prefixes_of(node.text)
        terms = [term for prefix in prefixes for term, _ in self.snapshot.with_prefix(prefix, MAX_EXPANSIONS)]
        if positive:
            self.expansions.update(dict.fromkeys(terms))
        itself = self._occurs(node.text, node.field)
        if itself is None or not terms:
            return itself
        return itself | self.snapshot.retriever.matches(terms, None if node.field is None else self.snapshot.query_terms.fields[node.field])


def _all(masks: list[Mask | None]) -> Mask | None:
    given = [mask for mask in masks if mask is not None]
    return np.logical_and.reduce(given) if given else None


def _typed(word: Word) -> str:
    return word.text if word.field is None else f"{word.field}:{word.text}"


def matched_docs(plan: Plan, snapshot: Any) -> Mask:
    """bool[max_doc]: every document that matches, deleted ones not."""
    if plan.empty:
        return np.zeros(snapshot.index.max_doc, np.bool_)
    mask: Mask = snapshot.live.copy()
    if plan.mask is not None:
        mask &= plan.mask
    if plan.required is not None:
        for term in plan.required:
            mask &= snapshot.retriever.matches([term])
    elif not plan.listing:
        mask &= snapshot.retriever.matches(plan.terms)
    return mask
