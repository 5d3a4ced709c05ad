"""A query that finds little -> the query that was probably meant.

What many people asked as a whole and is near to it comes first (``asked.py``), then words. A word counts as mistyped when no document has it, or
when at most ``RARE`` have and a word that is near to it is in ``CLEARLY`` times as many. Latin words are near by edits (``spelling.py``), Chinese
ones by sound and shape (``han_spelling.py``). Only queries of plain words are corrected: who writes operators means what is there. A query whose
words are all known costs two look-ups a word.
"""

import re
from typing import Any, NamedTuple

from searchd.han_spelling import changes as han_changes
from searchd.han_words import pinyin_spans
from searchd.plan import Plan
from searchd.query import Query
from searchd.query_terms import HAN2, WORD
from searchd.spelling import ONE_EDIT, Candidate, allowed_edits, candidates
from searchd.stages import need_time

RARE, CLEARLY = 2, 100
MAX_TYPOS = 2
# Words of one query that are looked into; candidates of one that are tried beside its other words.
MAX_WORDS, MAX_TRIED = 4, 8
_WORD = re.compile(r"(?<![\w.@&'’+#-])[A-Za-zÀ-ɏ]+(?![\w.@&'’+#])")


class Suspects(NamedTuple):
    """What in a query hardly any document has: places of Latin words, and pairs of Han characters that none has."""

    words: list[tuple[int, int, int]]
    pairs: set[str]


def corrected(query: Query, plan: Plan, snapshot: Any, num_typos: int | None = None) -> str | None:
    """The text of the query that was probably meant; None when there is nothing to correct. ``num_typos`` edits a word at most."""
    most = MAX_TYPOS if num_typos is None else num_typos
    if most <= 0 or not plan.terms or not query.plain:
        return None
    suspects = _suspects(plan, snapshot, most)
    if not query.spoken:
        suspects.pairs.clear()
    if not suspects.words and not suspects.pairs:
        return None
    return _asked(query.text, snapshot, most) or _replaced(query, plan, suspects, snapshot, most)


def _asked(text: str, snapshot: Any, most: int) -> str | None:
    """The query that people often ask which this one is probably meant to be; one of whose words documents have none is no better."""
    tables = snapshot.suggestions.get()
    for meant in [] if tables is None else tables.asked.near(text, most):
        if all(_known(word, snapshot) for word in meant.split()):
            return str(meant)
    return None


def _known(word: str, snapshot: Any) -> bool:
    """Whether documents have the terms of a word by some analyser; what has no terms is no obstacle."""
    ways = snapshot.query_terms.needed(word)
    return not ways or any(all(snapshot.retriever.numbers_of_postings(way.terms)) for way in ways)


def _suspects(plan: Plan, snapshot: Any, most: int) -> Suspects:
    """The only part that every query pays for."""
    counts = dict(zip(plan.terms, snapshot.retriever.numbers_of_postings(plan.terms)))
    words: dict[tuple[int, int], int] = {}
    pairs: set[str] = set()
    for term in plan.query_terms:
        df = counts.get(term.term)
        if df is None:
            continue
        if term.stream == HAN2 and df == 0:
            pairs.add(term.term[1:])
        elif term.stream == WORD and term.end - term.start >= ONE_EDIT and term.weight >= 1.0 and term.term.isascii():
            # By several analysers a word is several terms; one that documents have is enough.
            words[term.start, term.end] = max(df, words.get((term.start, term.end), 0))
    return Suspects([(*place, df) for place, df in words.items() if df <= RARE], pairs)


def _replaced(query: Query, plan: Plan, suspects: Suspects, snapshot: Any, most: int) -> str | None:
    """The text with the words that were probably meant."""
    text = query.text
    changes: list[tuple[int, int, str]] = list(han_changes(text, suspects.pairs, snapshot)) if suspects.pairs else []
    places = {match.span() for match in _WORD.finditer(text)}
    # What is the pinyin of something is no mistyped word.
    spoken = pinyin_spans(text, snapshot.query_terms.weighted(text).terms, snapshot) if suspects.words and query.spoken else []
    words = [word for word in suspects.words if not any(span.start <= word[0] < span.end for span in spoken)]
    for start, end, df in words[:MAX_WORDS]:
        need_time()
        if (start, end) in places and allowed_edits(text[start:end], most):
            found = _best(candidates(snapshot, text[start:end], most), df, plan, snapshot)
            if found is not None:
                changes.append((start, end, found))
    if not changes:
        return None
    for start, end, word in sorted(changes, reverse=True):
        text = text[:start] + word + text[end:]
    return text


def _best(found: list[Candidate], df: int, plan: Plan, snapshot: Any) -> str | None:
    """Of the candidates with the fewest edits the one that occurs most often together with the query's other words."""
    likely = [one for one in found if one.edits == found[0].edits and one.df >= max(1, CLEARLY * df)][:MAX_TRIED]
    if not likely:
        return None
    if len(likely) == 1:
        return likely[0].word
    counts = dict(zip(plan.terms, snapshot.retriever.numbers_of_postings(plan.terms)))
    others = [term.term for term in plan.query_terms if term.stream == WORD and counts.get(term.term, 0) and term.weight >= 1.0]
    together = [snapshot.retriever.count_all(list(dict.fromkeys([*others, one.term]))) if others else 0 for one in likely]
    return max(zip(together, likely), key=lambda pair: (pair[0], pair[1].df))[1].word
