"""What a user typed -> a tree of words, phrases and operators.

    query   := any*                              juxtaposed clauses
    any     := clause ("OR" clause)*
    clause  := "-"? ( "(" query ")" | (field ":")? ( '"' phrase '"' | word "*"? ) )

A query box answers whatever is typed, so nothing here is an error except length: a quote or parenthesis without its partner counts as a space, an
``OR`` without two sides as a word, a name before a colon that is no field as part of the word. The text is normalised by NFKC first, so that the
full-width signs of Chinese keyboards work as operators too.
"""

import re
import unicodedata
from collections.abc import Collection
from typing import NamedTuple

from indexer.errors import SearchdError

MAX_CHARS = 512
MAX_DEPTH = 10
# Languages that are written in Chinese characters and said in the pinyin of people's keyboards.
CHINESE = frozenset({"zh", "cmn", "yue", "wuu", "hak", "nan", "gan", "hsn"})
_OPERATORS = re.compile(r'["()*:]|(?:^|\s)-\S|(?:^|\s)OR(?:\s|$)')
# Typographic quotes, which NFKC leaves alone.
_QUOTES = str.maketrans("“”„‟«»「」『』", '"' * 10)


class QueryTooLong(SearchdError):
    """A query of more than MAX_CHARS characters after NFKC."""

    code = "query_too_long"

    def __init__(self, length: int) -> None:
        super().__init__(f"q: expected at most {MAX_CHARS} characters after NFKC, found {length}; shorten the query")


class Word(NamedTuple):
    """One word as typed; ``field`` None means all text fields."""

    text: str
    field: str | None = None
    prefix: bool = False

    @property
    def plain(self) -> bool:
        return self.field is None and not self.prefix


class Phrase(NamedTuple):
    """Words that must stand side by side."""

    text: str
    field: str | None = None


class Not(NamedTuple):
    """What must not match."""

    node: "Node"


class Or(NamedTuple):
    """At least two alternatives."""

    nodes: tuple["Node", ...]


class Group(NamedTuple):
    """Clauses side by side."""

    nodes: tuple["Node", ...]


Node = Word | Phrase | Not | Or | Group


class Query(NamedTuple):
    """A parsed query: its normalised text, and the clauses at its top."""

    text: str
    nodes: tuple[Node, ...]
    spoken: bool = True  # whether letters may be the pinyin of Chinese words, and characters mistaken for others of their sound

    @property
    def plain(self) -> bool:
        """Whether it is nothing but words."""
        return all(isinstance(node, Word) and node.plain for node in self.nodes)


def normalise(text: str) -> str:
    """NFKC; raises QueryTooLong. Checked before too, since NFKC makes some characters 18 times longer."""
    normalised = unicodedata.normalize("NFKC", text[: MAX_CHARS + 1])
    if len(text) > MAX_CHARS or len(normalised) > MAX_CHARS:
        raise QueryTooLong(max(len(text), len(normalised)))
    return normalised


def parse_query(text: str, fields: Collection[str] = (), locale: str = "") -> Query:
    """Parse ``q``; ``fields`` are the names that may stand before a colon. Raises QueryTooLong, nothing else.

    ``locale`` tells the language where the text does not: by a language that is none of China's, letters are no pinyin.
    """
    return _parsed(text, fields)._replace(spoken=not locale or re.split("[-_]", locale)[0].lower() in CHINESE)


def _parsed(text: str, fields: Collection[str]) -> Query:
    text = normalise(text)
    quoted = text.translate(_QUOTES)
    if not _OPERATORS.search(quoted):
        return Query(text, tuple(map(Word, text.split())))
    parser = _Parser(_balanced(quoted), frozenset(fields))
    return Query(text, parser.clauses(closing=False))


def _balanced(text: str) -> str:
    """The text with every unmatched quote and parenthesis blanked, as are parentheses nested too deep."""
    characters = list(text)
    if characters.count('"') % 2:
        characters[len(characters) - 1 - characters[::-1].index('"')] = " "
    opened: list[int] = []
    quoted = False
    for i, character in enumerate(characters):
        if character == '"':
            quoted = not quoted
        elif quoted:
            continue
        elif character == "(":
            opened.append(i)
        elif character == ")":
            if opened:
                start = opened.pop()
                if len(opened) >= MAX_DEPTH:
                    characters[start] = characters[i] = " "
            else:
                characters[i] = " "
    for i in opened:
        characters[i] = " "
    return "".join(characters)


class _Parser:
    """Recursive descent over a balanced text."""

    def __init__(self, text: str, fields: frozenset[str]) -> None:
        self.text, self.fields, self.at = text, fields, 0

    def clauses(self, closing: bool) -> tuple[Node, ...]:
        """Clauses up to the end, or up to and with the closing parenthesis."""
        nodes: list[Node] = []
        while not self._ended(closing):
            node = self._clause()
            if node is None:
                continue
            alternatives = [node]
            while (following := self._after_or()) is not None:
                alternatives.append(following)
            nodes.append(node if len(alternatives) == 1 else Or(tuple(alternatives)))
        return tuple(nodes)

    def _ended(self, closing: bool) -> bool:
        self._skip_spaces()
        if self.at >= len(self.text):
            return True
        if closing and self.text[self.at] == ")":
            self.at += 1
            return True
        return False

    def _skip_spaces(self) -> None:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def _after_or(self) -> Node | None:
        """The clause behind an ``OR`` that stands here, else None without moving."""
        before = self.at
        self._skip_spaces()
        if re.match(r"OR(?=[\s(\"])", self.text[self.at : self.at + 3]):
            self.at += 2
            self._skip_spaces()
            if self.at < len(self.text) and self.text[self.at] != ")":
                node = self._clause()
                if node is not None:
                    return node
        self.at = before
        return None

    def _clause(self) -> Node | None:
        """One clause; None for an empty group or phrase."""
        negative = self.text[self.at] == "-" and not self.text[self.at + 1 : self.at + 2].isspace() and self.at + 1 < len(self.text)
        # Only one minus is an operator: --verbose is the name of an option.
        if negative and self.text[self.at + 1] not in "-)":
            self.at += 1
            node = self._atom()
            return None if node is None else Not(node)
        return self._atom()

    def _atom(self) -> Node | None:
        character = self.text[self.at]
        if character == "(":
            self.at += 1
            nodes = self.clauses(closing=True)
            return None if not nodes else nodes[0] if len(nodes) == 1 else Group(nodes)
        if character == '"':
            return self._phrase(None)
        return self._word()

    def _phrase(self, field: str | None) -> Node | None:
        end = self.text.index('"', self.at + 1)
        inside = self.text[self.at + 1 : end].strip()
        self.at = end + 1
        return Phrase(inside, field) if inside else None

    def _word(self) -> Node | None:
        """A word, with its field; it ends at a space, a parenthesis or a quote."""
        name = re.compile(r"[^\s:()\"]+:(?=[^\s:()])").match(self.text, self.at)
        field = None
        if name and name.group()[:-1] in self.fields:
            field, self.at = name.group()[:-1], name.end()
            if self.text[self.at] == '"':
                return self._phrase(field)
        word = re.compile(r"[^\s()\"]+").match(self.text, self.at)
        if word is None:
            self.at += 1
            return None
        self.at = word.end()
        stem = word.group().rstrip("*")
        return Word(stem, field, prefix=True) if stem and stem != word.group() else Word(word.group(), field)
