"""``year >= 2020 AND NOT tag IN ["a", "b"]`` -> the documents that pass, as a mask.

    filter     := all ("OR" all)*
    all        := one ("AND" one)*
    one        := "NOT" one | "(" filter ")" | field comparison
    comparison := ("=" | "!=" | ">" | ">=" | "<" | "<=") value | ["NOT"] "IN" "[" value, ... "]" | ["NOT"] "EXISTS"

A list matches when any of its values does; ``!=`` and ``NOT IN`` are the opposite of ``=`` and ``IN``, so they hold where the field is missing.
Unlike a query, a filter is written by a program: what is not exactly right is refused, with the place.
"""

import re
from bisect import bisect_left, bisect_right
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np

from indexer.columns import Column
from indexer.errors import SearchdError
from indexer.values import EXPECTED, PARSERS
from searchd.columns import Columns
from searchd.kernels_columns import mark_keywords
from searchd.stages import need_time

MAX_CHARS = 4096
MAX_DEPTH = 32
KEYWORDS = ("AND", "OR", "NOT", "IN", "EXISTS")
_TOKEN = re.compile(
    r"""\s*(?:(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<sign>!=|>=|<=|[=<>()\[\],])|(?P<word>[^\s"'=<>!()\[\],]+))""", re.DOTALL
)


class BadFilter(SearchdError):
    """A filter that cannot be used; ``position`` counts characters from 0."""

    code = "bad_filter"

    def __init__(self, position: int, expected: str, found: str) -> None:
        self.position, self.expected, self.found = position, expected, found
        super().__init__(f"filter: at character {position}: expected {expected}, found {found}")


class Token(NamedTuple):
    kind: str
    text: str
    position: int

    def is_word(self, *words: str) -> bool:
        return self.kind == "word" and self.text.upper() in words

    @property
    def shown(self) -> str:
        return "the end" if self.kind == "end" else repr(self.text[:60])


class Comparison(NamedTuple):
    """``field sign values``; sign ``in`` has any number of values, ``exists`` none."""

    field: str
    sign: str
    values: tuple


class Not(NamedTuple):
    node: "Filter"


class And(NamedTuple):
    nodes: tuple["Filter", ...]


class Or(NamedTuple):
    nodes: tuple["Filter", ...]


Filter = Comparison | Not | And | Or


def filter_mask(text: str, columns: Columns, num_docs: int) -> np.ndarray:
    """bool[num_docs], True where ``text`` holds; raises BadFilter."""
    return evaluate(parse_filter(text, columns), columns, num_docs)


def parse_filter(text: str, columns: Columns) -> Filter:
    """The tree of a filter, its values already in the terms of their columns; raises BadFilter."""
    if len(text) > MAX_CHARS:
        raise BadFilter(MAX_CHARS, f"at most {MAX_CHARS} characters", str(len(text)))
    parser = _Parser(_tokens(text), columns)
    tree = parser.any_of(0)
    parser.expect_end()
    return tree


def _tokens(text: str) -> list[Token]:
    tokens, at = [], 0
    end = len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            start = at + len(text[at:]) - len(text[at:].lstrip())
            raise BadFilter(start, "a field, a value or an operator", repr(text[start : start + 20]))
        kind = str(match.lastgroup)
        tokens.append(Token(kind, match[kind], match.start(kind)))
        at = match.end()
    return [*tokens, Token("end", "", end)]


class _Parser:
    """Recursive descent; ``depth`` counts NOTs and parentheses."""

    def __init__(self, tokens: list[Token], columns: Columns) -> None:
        self.tokens, self.columns, self.at = tokens, columns, 0

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def take(self) -> Token:
        token = self.token
        self.at += token.kind != "end"
        return token

    def fail(self, expected: str, token: Token | None = None) -> BadFilter:
        token = token or self.token
        return BadFilter(token.position, expected, token.shown)

    def expect(self, sign: str) -> None:
        if self.token.kind != "sign" or self.token.text != sign:
            raise self.fail(repr(sign))
        self.take()

    def expect_end(self) -> None:
        if self.token.kind != "end":
            raise self.fail("AND, OR or the end")

    def any_of(self, depth: int) -> Filter:
        nodes = [self.all_of(depth)]
        while self.token.is_word("OR"):
            self.take()
            nodes.append(self.all_of(depth))
        return nodes[0] if len(nodes) == 1 else Or(tuple(nodes))

    def all_of(self, depth: int) -> Filter:
        nodes = [self.one(depth)]
        while self.token.is_word("AND"):
            self.take()
            nodes.append(self.one(depth))
        return nodes[0] if len(nodes) == 1 else And(tuple(nodes))

    def one(self, depth: int) -> Filter:
        if depth > MAX_DEPTH:
            raise self.fail(f"at most {MAX_DEPTH} levels of NOT and parentheses")
        if self.token.is_word("NOT"):
            self.take()
            return Not(self.one(depth + 1))
        if self.token.text == "(" and self.token.kind == "sign":
            self.take()
            inside = self.any_of(depth + 1)
            self.expect(")")
            return inside
        return self.comparison()

    def comparison(self) -> Filter:
        """``field = value``, ``field [NOT] IN [values]`` or ``field [NOT] EXISTS``; raises BadFilter at the token that does not fit."""
        field = self.field()
        negative = self.token.is_word("NOT")
        if negative:
            self.take()
        operator = self.take()
        if operator.is_word("IN"):
            node: Filter = Comparison(field, "in", self.values(field))
        elif operator.is_word("EXISTS"):
            node = Comparison(field, "exists", ())
        elif not negative and operator.kind == "sign" and operator.text in ("=", "!=", ">", ">=", "<", "<="):
            node = Comparison(field, operator.text, (self.value(field),))
        else:
            raise self.fail("IN or EXISTS" if negative else "=, !=, >, >=, <, <=, IN or EXISTS", operator)
        return Not(node) if negative else node

    def field(self) -> str:
        token = self.take()
        name = _unquoted(token.text) if token.kind == "string" else token.text
        if token.kind not in ("word", "string") or name not in self.columns:
            raise self.fail(f"a field to filter by: {self.columns.names()}", token)
        return name

    def values(self, field: str) -> tuple:
        self.expect("[")
        values = []
        while self.token.text != "]":
            values.append(self.value(field))
            if self.token.text != ",":
                break
            self.take()
        self.expect("]")
        return tuple(values)

    def value(self, field: str) -> object:
        """A literal in the terms of the field's column."""
        token = self.take()
        if token.kind not in ("word", "string") or token.is_word(*KEYWORDS):
            raise self.fail("a value", token)
        text = _unquoted(token.text) if token.kind == "string" else token.text
        kind = self.columns.kinds[field]
        if kind == "keyword":
            return text
        try:
            return number_of(kind, text)
        except (ValueError, OverflowError, TypeError):
            raise self.fail(f"{EXPECTED[kind]} for {field}", token) from None


def number_of(kind: str, text: str) -> float | int | bool:
    """A literal as a column holds it; whole-number columns may be compared with 2.5 too. Raises ValueError."""
    if kind == "integer" and re.fullmatch(r"[+-]?\d*\.\d+|[+-]?\d+\.\d*", text):
        return float(text)
    if kind == "date" and re.fullmatch(r"\d{4}", text):
        return datetime(int(text), 1, 1, tzinfo=UTC).timestamp()
    return PARSERS[kind](text)


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)


def evaluate(node: Filter, columns: Columns, num_docs: int) -> np.ndarray:
    """bool[num_docs]: where a tree holds. Raises OutOfTime when the search's time is up."""
    need_time()
    if isinstance(node, Not):
        return ~evaluate(node.node, columns, num_docs)
    if isinstance(node, Comparison):
        return compare(columns[node.field], node.sign, node.values)
    combine = np.logical_and if isinstance(node, And) else np.logical_or
    return combine.reduce([evaluate(child, columns, num_docs) for child in node.nodes])


def compare(column: Column, sign: str, values: tuple) -> np.ndarray:
    """bool[n]: which documents' values stand in relation ``sign`` to ``values``."""
    if sign == "!=":
        return ~compare(column, "=", values)
    return _compare_keywords(column, sign, values) if column.kind == "keyword" else _compare_numbers(column, sign, values)


def _compare_numbers(column: Column, sign: str, values: tuple) -> np.ndarray:
    found, valid = column.values, column.valid
    assert found is not None and valid is not None
    if sign == "exists":
        return valid.copy()
    if sign == "in":
        return np.isin(found, np.asarray(values, found.dtype)) & valid if _fits(found, values) else _any_equal(found, values) & valid
    operation = {"=": np.equal, ">": np.greater, ">=": np.greater_equal, "<": np.less, "<=": np.less_equal}[sign]
    return operation(found, values[0]) & valid


def _fits(found: np.ndarray, values: tuple) -> bool:
    """Whether no value changes by being stored as the column is."""
    return found.dtype.kind != "i" or all(isinstance(value, int) for value in values)


def _any_equal(found: np.ndarray, values: tuple) -> np.ndarray:
    return np.logical_or.reduce([found == value for value in values])


def _compare_keywords(column: Column, sign: str, values: tuple) -> np.ndarray:
    assert column.offsets is not None and column.ords is not None
    if sign == "exists":
        return np.diff(column.offsets) > 0
    assert column.dictionary is not None
    chosen = np.zeros(len(column.dictionary), np.uint8)
    if sign in ("=", "in"):
        chosen[[code for code in map(column.ordinal, values) if code >= 0]] = 1
    else:
        low, high = _code_range(column, sign, values[0])
        chosen[low:high] = 1
    marks = np.empty(len(column.offsets) - 1, np.uint8)
    mark_keywords(column.offsets, column.ords, chosen, marks)
    return marks.view(np.bool_)


def _code_range(column: Column, sign: str, value: str) -> tuple[int, int]:
    """Codes of the dictionary, from and up to, that stand in relation ``sign`` to ``value``."""
    dictionary = column.dictionary
    assert dictionary is not None
    bisect = bisect_left if sign in ("<", ">=") else bisect_right
    at = bisect(range(len(dictionary)), value, key=dictionary.text)
    return (0, at) if sign.startswith("<") else (at, len(dictionary))
