"""What people ask next when a search finds nothing, or nothing they click on: candidates for synonyms and for the user's dictionary.

A search that failed, followed within ten minutes in the same session by one with a click, says that the second may be another word for the first.
One reader's slip says little, so a pair needs several clients, which also keeps anybody's own words private; and it has to come about twice as
often as it would if people went on to what everybody clicks on anyway.
"""

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from indexer.lexicon import WORDS
from indexer.scripts import HAN
from searchd.synonyms import SYNONYMS, line_of

TEN_MINUTES = 600_000
MOST_PENDING = 3
LIFT = 2.0
_HAN_WORD = re.compile(f"[{HAN}]{{2,8}}")
Pair = tuple[str, str]


class Failed(NamedTuple):
    """A search that found nothing, or nothing that was clicked."""

    text: str
    at: int


class Proposal(msgspec.Struct, frozen=True):
    """``target`` was asked and clicked after the query failed: how often, by how many clients, and as what share of all that was clicked next.

    ``line`` is what to write into ``file`` of the lexicon, "" where no line can hold it.
    """

    target: str
    count: int
    clients: int
    share: float
    file: str
    line: str


@dataclass(slots=True)
class PairCounts:
    """How often one query followed the failure of another, and for how many clients; those without an id are no clients."""

    count: int = 0
    clients: int = 0


class Reformulations:
    """Searches in the order of their arrival to pairs (failed query, query with a click)."""

    def __init__(self) -> None:
        self.pairs: dict[Pair, PairCounts] = defaultdict(PairCounts)
        self._pending: dict[str, list[Failed]] = {}
        self._seen: set[tuple[str, str, str]] = set()
        self._after: Counter[str] = Counter()  # failures of a query that went on to some click
        self._clicked: Counter[str] = Counter()
        self._clicks = 0
        self._by_failed: dict[str, list[str]] = defaultdict(list)

    def add(self, session: str, client: str, text: str, at: int, found: bool, clicked: bool) -> None:
        """Count the next search; ``at`` in milliseconds. Sessions without a name tell nothing."""
        self._clicked[text] += clicked
        self._clicks += clicked
        if not session:
            return
        if clicked:
            for failed in dict.fromkeys(
                one.text for one in self._pending.pop(session, ()) if at - one.at <= TEN_MINUTES and one.text != text
            ):
                self._count(failed, text, client)
        else:
            self._pending[session] = [*self._pending.get(session, ()), Failed(text, at)][-MOST_PENDING:]

    def _count(self, failed: str, text: str, client: str) -> None:
        pair = self.pairs[failed, text]
        if not pair.count:
            self._by_failed[failed].append(text)
        pair.count += 1
        self._after[failed] += 1
        if client and (failed, text, client) not in self._seen:
            self._seen.add((failed, text, client))
            pair.clients += 1

    def finish(self) -> None:
        """Forget what only further searches would need."""
        self._pending.clear()
        self._seen.clear()

    def proposals(self, text: str, min_clients: int, limit: int = 3) -> list[Proposal]:
        """What may stand for a query, by the number of clients that found it so."""
        found = []
        for target in self._by_failed.get(text, ()):
            pair = self.pairs[text, target]
            if pair.clients >= min_clients and pair.count >= LIFT * self.expected(text, target):
                found.append(Proposal(target, pair.count, pair.clients, pair.count / self._after[text], *line_for(text, target)))
        return sorted(found, key=lambda one: (-one.clients, -one.count, one.target))[:limit]

    def expected(self, text: str, target: str) -> float:
        """How often ``target`` would follow ``text`` if what is clicked next did not depend on what failed before."""
        others = self._clicks - self._after[text]
        return self._after[text] * (self._clicked[target] - self.pairs[text, target].count) / others if others > 0 else 0.0


def line_for(text: str, target: str) -> tuple[str, str]:
    """(file of the lexicon, line) for a failed query and what was clicked instead; the line is "" where none would help.

    Queries that differ only in spaces or quotes were cut wrongly: the whole is a word for the dictionary. Else the parts in which they differ
    are synonyms, one way, since the failed query is what lacks results.
    """
    joined, other = (re.sub(r"[\s\"“”']", "", one) for one in (text, target))
    if joined == other:
        return (WORDS, joined) if _HAN_WORD.fullmatch(joined) else (SYNONYMS, "")
    left, right = differing_parts(text.split(), target.split())
    return SYNONYMS, line_of(" ".join(left), " ".join(right)) if left and right else ""


def differing_parts(first: list[str], second: list[str]) -> tuple[list[str], list[str]]:
    """Two lists of words without the words that both begin and end with; both whole when nothing of the first would be left."""
    start = 0
    while start < min(len(first), len(second)) and first[start] == second[start]:
        start += 1
    end = 0
    while end < min(len(first), len(second)) - start and first[-1 - end] == second[-1 - end]:
        end += 1
    left, right = first[start : len(first) - end], second[start : len(second) - end]
    return (left, right) if left else (first, second)
