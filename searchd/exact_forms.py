"""Candidates by BM25F -> their order with the words in the very form that was typed: for ``running``, running above runs, all else equal.

The index has stems, since exact forms beside them cost half as many postings again and earned nothing (docs/text-quality.md). Which form a document
has says its stored text:

    score = BM25F * (1 - LOSS * f)

f is the share of the query's words (ASCII letters, no stop words, no parts of codes) that the document has in other forms only, case and accents
aside. Of documents that are not among the ``DEPTH`` best by BM25F nobody looks at the forms, and f is 1. That is an order of the whole collection,
and as much of it as a page needs is found exactly: candidates are fetched until none that is left could get among those shown, whatever its forms.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from indexer.folding import fold
from indexer.tokens import STREAM_WORD
from indexer.values import texts
from searchd.plan import Plan
from searchd.snapshot import Snapshot

# Much less than any term gives, and more than documents that say the same differ by.
LOSS = 0.02
DEPTH = 200
# Candidates that are fetched beyond the page at first.
AHEAD = 6
# Letters of a word that may have other forms; characters of a text that are looked at.
SHORTEST, MAX_READ = 3, 100_000
# What folding may make ASCII letters of.
_FOLDS = re.compile("[À-ɏḀ-ỿ\u0300-\u036f\u2100-\u214fﬀ-ﬆＡ-ｚ]")

Fetch = Callable[[int], tuple[np.ndarray, np.ndarray]]


class Formed(NamedTuple):
    """Docs best first, ``scores`` float64 by the formula above, and those of BM25F, float32."""

    docs: np.ndarray
    scores: np.ndarray
    retrieval_scores: np.ndarray


class Form(NamedTuple):
    """A word as it was typed, in lower case, and its stem."""

    word: str
    stem: str


def typed_forms(plan: Plan, snapshot: Snapshot) -> list[Form]:
    """The distinct words of a query that count."""
    if all(analyzer.name == "whitespace" for analyzer in snapshot.query_terms.analyzers):
        return []
    words = [term for term in plan.query_terms if term.stream == STREAM_WORD and term.weight >= 1.0]
    forms = {term.term: fold(plan.text[term.start : term.end]) for term in words}
    return [Form(word, stem) for stem, word in forms.items() if len(word) >= SHORTEST and word.isascii() and word.isalpha()]


def best_formed(plan: Plan, snapshot: Snapshot, k: int, fetch: Fetch) -> Formed:
    """The ``k`` best documents; ``fetch(n)`` gives the ``n`` best by BM25F."""
    forms = typed_forms(plan, snapshot)
    if not forms or k <= 0:
        docs, scores = fetch(k)
        return Formed(docs, scores.astype(np.float64), scores)
    known: dict[int, float] = {}
    size, most = k + AHEAD, max(DEPTH, k)
    while True:
        docs, scores = fetch(min(size, most))
        found = _ordered(docs, scores, losses(snapshot, docs, forms, known))
        # A document that was not fetched gets at most the last one's score.
        if len(docs) < size or size >= most or found.scores[k - 1] >= float(scores[-1]):
            return Formed(*(one[:k] for one in found))
        size *= 2


def formed(plan: Plan, snapshot: Snapshot, docs: np.ndarray, scores: np.ndarray) -> Formed:
    """Given documents by falling BM25F score in the order of the formula, whatever their rank in the collection."""
    forms = typed_forms(plan, snapshot)
    return _ordered(
        docs, scores, np.concatenate([losses(snapshot, docs[i : i + DEPTH], forms, {}) for i in range(0, len(docs), DEPTH)] or [scores])
    )


def _ordered(docs: np.ndarray, scores: np.ndarray, lost: np.ndarray) -> Formed:
    final = scores.astype(np.float64) * (1.0 - lost)
    order = np.argsort(-final, kind="stable")
    return Formed(docs[order], final[order], scores[order])


def losses(snapshot: Snapshot, docs: np.ndarray, forms: list[Form], known: dict[int, float]) -> np.ndarray:
    """LOSS * f of documents, best first, float64[n]; ``known`` remembers."""
    lost = np.full(len(docs), LOSS if forms else 0.0)
    for rank, doc in enumerate(docs[:DEPTH].tolist() if forms else ()):
        if doc not in known:
            known[doc] = LOSS * _share(snapshot, doc, forms)
        lost[rank] = known[doc]
    return lost


def _share(snapshot: Snapshot, doc: int, forms: list[Form]) -> float:
    """The share of the forms that a document does not have though it has their stem."""
    document = snapshot.index.stored(doc)
    fields = [(snapshot.query_terms.analyzer(field), texts(document.get(field))) for field in snapshot.query_terms.fields]
    read = [(analyzer, text[:MAX_READ]) for analyzer, found in fields if analyzer.name != "whitespace" for text in found]
    missing = [form for form in forms if not any(has_form(text, form.word) for _, text in read)]
    return sum(any(analyzer.occurrences(text, {form.stem}) for analyzer, text in read) for form in missing) / len(forms)


def has_form(text: str, form: str) -> bool:
    """Whether a text has a word of ASCII letters in this form."""
    if _stands(text.lower(), form):
        return True
    return not text.isascii() and bool(_FOLDS.search(text)) and _stands(fold(text), form)


def _stands(lowered: str, form: str) -> bool:
    at = lowered.find(form)
    while at >= 0:
        end = at + len(form)
        if not (at > 0 and _continues(lowered[at - 1])) and not (end < len(lowered) and _continues(lowered[end])):
            return True
        at = lowered.find(form, at + 1)
    return False


def _continues(character: str) -> bool:
    """Whether a word goes on here: by a letter of a script with spaces between words."""
    return character.isalpha() and character < "\u0e00"
