"""Texts -> numbers of terms, for the standard analyzer: kernels find the runs, Python says once what each distinct run becomes."""

from itertools import chain

import numpy as np

from indexer.byte_runs import expand, number_runs
from indexer.characters import characters
from indexer.han import Segmenter
from indexer.han_tables import no_tables
from indexer.interning import Names, intern, new_names
from indexer.mixed import MixedWords
from indexer.strings import Strings, pack
from indexer.texts import Numbered, Texts
from indexer.words import Code, Words


def number_terms(texts: Texts, names: Names, words: Words, segmenter: Segmenter, mixed: MixedWords) -> tuple[Names, Numbered]:
    """What ``Analyzer.number_terms`` promises."""
    texts, han = characters().prepare(texts)
    tables = segmenter.tables if han else no_tables()
    count = len(texts.starts)
    item_ends, extra_ends, lengths = np.zeros(count + 1, np.int64), np.zeros(count + 1, np.int64), np.empty(count, np.uint32)
    empty = new_names()
    items, extra, runs, grown, han = number_runs(
        texts.data, texts.starts, texts.stops, characters().tables, tuple(tables), mixed.tables,
        *empty.table, *names.table, names.han, item_ends, extra_ends, lengths,
    )  # fmt: skip
    entries = list(map(words.__getitem__, _texts_of(empty.grown(*runs).strings())))
    names = names.grown(*grown)._replace(han=han)
    names, sequences, sequence_ends = _numbers(names, [one.sequence if type(one) is Code else (one,) for one in entries])
    names, beside, beside_ends = _numbers(names, [one.extra if type(one) is Code else () for one in entries])
    runs_of = items[items >= 0]
    num_tokens = len(items) + count + int((np.diff(sequence_ends) - 1)[runs_of].sum())
    num_extra = len(extra) + int(np.diff(beside_ends)[runs_of].sum())
    num_docs = len(texts.ends) - 1
    found = Numbered(
        np.empty(num_tokens, np.int32), np.zeros(num_docs + 1, np.int64),
        np.empty(num_extra, np.int32), np.zeros(num_docs + 1, np.int64), np.empty(num_docs, np.uint32),
    )  # fmt: skip
    n, e = expand(texts.ends, items, item_ends, extra, extra_ends, lengths, sequences, sequence_ends, beside, beside_ends, *found)
    return names, found._replace(tokens=found.tokens[:n], extra=found.extra[:e])


def _texts_of(strings: Strings) -> list[str]:
    data, ends = strings.data.tobytes(), strings.offsets.tolist()
    return [data[start:stop].decode("utf-8", "surrogatepass") for start, stop in zip(ends, ends[1:])]


def _numbers(names: Names, groups: list[tuple[str, ...]]) -> tuple[Names, np.ndarray, np.ndarray]:
    """Numbers of groups of terms, and where the groups end: (names, int32, int64[groups + 1])."""
    ends = np.zeros(len(groups) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, groups), np.int64, len(groups)), out=ends[1:])
    names, numbers = intern(names, pack(chain.from_iterable(groups)))
    return names, numbers, ends
