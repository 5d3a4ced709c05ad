"""Texts -> numbers of terms, for the standard analyzer: kernels find the runs, Python says once what each distinct run becomes."""

from collections.abc import Iterable
from itertools import chain
from typing import Any

import numpy as np

from indexer.byte_runs import number_runs
from indexer.characters import characters
from indexer.han import Segmenter
from indexer.han_tables import no_tables
from indexer.interning import Names, intern, new_table, strings_of
from indexer.items import Groups, terms_of
from indexer.mixed import MixedWords
from indexer.strings import Strings, pack
from indexer.texts import Numbered, Texts
from indexer.words import Code, Words

_LINE_END = ord("\n")


def number_terms(texts: Texts, names: Names, words: Words, segmenter: Segmenter, mixed: MixedWords) -> tuple[Names, Numbered]:
    """What ``Analyzer.number_terms`` promises."""
    known = characters()
    texts, han = known.prepare(texts)
    tables = segmenter.tables if han else no_tables()
    items, runs, names = number_runs(texts, known.tables, tables, mixed.tables, new_table(), names)
    entries = list(map(words.__getitem__, _texts_of(strings_of(runs))))
    codes: dict[int, Code] = {i: one for i, one in enumerate(entries) if type(one) is Code}
    whole, extras = [one.sequence for one in codes.values()], [one.extra for one in codes.values()]
    names, sequences = _groups(names, _sequence(entries, codes), _sizes(len(entries), 1, codes, whole))
    names, beside = _groups(names, chain.from_iterable(extras), _sizes(len(entries), 0, codes, extras))
    return names, terms_of(texts.ends, items, sequences, beside)


def _texts_of(strings: Strings) -> list[str]:
    """Runs as texts, by one call that decodes and one that cuts at line ends, which are in no run."""
    size = len(strings.data)
    joined = np.empty(size + len(strings), np.uint8)
    line_ends = strings.offsets[1:] + np.arange(len(strings))
    inside = np.ones(len(joined), np.bool_)
    joined[line_ends], inside[line_ends] = _LINE_END, False
    joined[inside] = strings.data
    return joined.tobytes().decode("utf-8", "surrogatepass").split("\n")[:-1]


def _sequence(entries: list[Any], codes: dict[int, Code]) -> list[str]:
    """The sequences of all entries, codes by their place; what stands between two codes are terms."""
    found: list[str] = []
    last = 0
    for i, code in codes.items():
        found += entries[last:i]
        found += code.sequence
        last = i + 1
    return found + entries[last:]


def _sizes(count: int, usual: int, places: Iterable[int], groups: list[tuple[str, ...]]) -> np.ndarray:
    """Sizes int64[count] of groups of terms: ``usual``, but for those of ``groups``, which are at ``places``."""
    sizes = np.full(count, usual, np.int64)
    sizes[list(places)] = list(map(len, groups))
    return sizes


def _groups(names: Names, terms: Iterable[str], sizes: np.ndarray) -> tuple[Names, Groups]:
    """Numbers of the terms of groups of so many."""
    names, numbers = intern(names, pack(terms))
    return names, Groups(numbers, np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)]))
