"""What a home has to hold, as dictionaries: the documents of each generation, the models, the searches and the acknowledged clicks.

The plain side of ``home_machine.py``. A generation's documents are in the order of the index, on which the order of equal scores depends.
"""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

KEPT_GENERATIONS = 3

Documents = dict[str, dict[str, Any]]
TEXTS = ("title", "body")


class Generation(NamedTuple):
    """Documents by key, and the words of the lexicon they were analysed with."""

    documents: Documents
    words: tuple[str, ...] = ()


def changed(documents: Documents, upserts: list[dict[str, Any]], deletes: list[str]) -> Documents:
    """What was deleted or replaced goes, what is new comes behind the others."""
    new = {one["id"]: one for one in upserts}
    return {key: one for key, one in documents.items() if key not in new and key not in deletes} | new


def reanalysed(before: Generation, words: tuple[str, ...]) -> Generation:
    """Documents with a word that one of the two lexicons alone has come behind the others."""
    differing = set(before.words) ^ set(words)
    touched = [key for key, one in before.documents.items() if any(word in one.get(name, "") for name in TEXTS for word in differing)]
    return Generation(changed(before.documents, [before.documents[key] for key in touched], []), words)


def matching(documents: Documents, query: str) -> set[str]:
    """Keys of the documents that have a query of one word, or of two adjacent Han characters, which may have a space between them."""
    han = not query.isascii()
    return {
        key
        for key, one in documents.items()
        if any(query in (text.replace(" ", "") if han else text.split()) for name in TEXTS if (text := one.get(name, "")))
    }


@dataclass
class HomeModel:
    """A whole home. ``clicks``: event id -> (query id, key, client) of what was acknowledged; ``searches``: query id -> (client, keys shown)."""

    generations: dict[str, Generation] = field(default_factory=dict)
    previous: dict[str, str | None] = field(default_factory=dict)
    current: str | None = None
    words: tuple[str, ...] = ()
    versions: list[str] = field(default_factory=list)
    active: list[str] = field(default_factory=list)
    experiments: dict[str, str] = field(default_factory=dict)
    searches: dict[str, tuple[str, list[str]]] = field(default_factory=dict)
    clicks: dict[str, tuple[str, str, str]] = field(default_factory=dict)

    @property
    def now(self) -> Generation:
        """What is published."""
        return Generation({}) if self.current is None else self.generations[self.current]

    @property
    def running(self) -> str | None:
        """The experiment that runs."""
        return next((name for name, status in self.experiments.items() if status == "running"), None)

    @property
    def serving(self) -> str | None:
        """The version of the model that serves."""
        return self.active[-1] if self.active else None

    def publish(self, name: str, generation: Generation) -> None:
        """A generation after the current one; of those before it some are kept, all others go."""
        self.generations[name], self.previous[name], self.current = generation, self.current, name
        kept = self.chain()[:KEPT_GENERATIONS]
        self.generations = {one: self.generations[one] for one in kept}

    def chain(self) -> list[str]:
        """The current generation, the one it followed, and so on, as far as they are kept."""
        found: list[str] = []
        name = self.current
        while name in self.generations and name not in found:
            found.append(name)
            name = self.previous.get(name)
        return found

    def forget_client(self, client: str) -> None:
        """Its searches, their events, and its events."""
        self.searches = {name: one for name, one in self.searches.items() if one[0] != client}
        self.clicks = {
            event: (query, key, who)
            for event, (query, key, who) in self.clicks.items()
            if who != client and (query in self.searches or query == OUTSIDE)
        }


OUTSIDE = "q"
"""The query of events that a process of its own stored, which was no search of ours."""
