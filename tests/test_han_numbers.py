"""Numbers of characters, pairs and words of Han: those of the terms, in one batch and over its fields."""

import random
from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from indexer.analysis import get_analyzer
from indexer.han_kernels import child_of, step
from indexer.han_tables import load_tables
from indexer.interning import new_names
from indexer.strings import pack
from indexer.swar import PADDING
from indexer.texts import Texts

STANDARD = get_analyzer("standard")
PIECES = [
    "中国",
    "人民",
    "银行",
    "中国人民银行",
    "目的",
    "的",
    "学生会",
    "カタカナ",
    "한국",
    "\U00020000",
    "\U00020001",
    "，",
    " ",
    "a",
    "國",
]


def batch_of(texts):
    """Each text a document."""
    packed = pack(texts)
    data = np.concatenate([packed.data, np.zeros(PADDING, np.uint8)])
    return Texts(data, packed.offsets[:-1].copy(), packed.offsets[1:].copy(), np.arange(len(texts) + 1))


def terms_of(names, numbers):
    strings = names.strings()
    data, ends = strings.data.tobytes(), strings.offsets.tolist()
    return [data[ends[i] : ends[i + 1]].decode() for i in numbers]


def check(texts):
    names, found = STANDARD.number_terms(batch_of(texts), new_names())
    for i, text in enumerate(texts):
        expected = STANDARD.index_terms(text)
        assert terms_of(names, found.tokens[found.ends[i] : found.ends[i + 1]]) == expected.sequence
        assert Counter(terms_of(names, found.extra[found.extra_ends[i] : found.extra_ends[i + 1]])) == Counter(expected.extra)
    return names, found


@given(st.lists(st.lists(st.sampled_from(PIECES), max_size=8).map("".join), max_size=4))
def test_fields_of_a_batch_share_their_numbers(texts):
    names, first = check(texts)
    again, second = STANDARD.number_terms(batch_of(texts), names)
    assert again.size == names.size == len(set(terms_of(names, range(names.size))))
    assert np.array_equal(first.tokens, second.tokens) and np.array_equal(first.extra, second.extra)


def test_many_pairs_of_all_planes():
    drawn = random.Random(7)
    characters = [chr(drawn.randrange(0x4E00, 0x9FD6)) for _ in range(12_000)] + [
        chr(drawn.randrange(0x20000, 0x2A6D6)) for _ in range(300)
    ]
    drawn.shuffle(characters)
    check(["".join(characters[:6000]), "".join(characters[6000:]), "".join(characters[:3000])])


def test_the_sieve_lets_every_edge_through_and_roots_are_children_of_the_root():
    tables = load_tables((("乒乓球拍卖", 7),))
    for key in tables.keys[tables.keys != 0][::9973].tolist():
        node, char = key >> 32, key & 0xFFFFFFFF
        assert step(tables.keys, tables.sieve, node, char) == child_of(tables.keys, node, char) > 0
    for char in range(0x4E00, 0x9FD6, 7):
        assert tables.roots[char] == child_of(tables.keys, 0, char)
        assert step(tables.keys, tables.sieve, 1, char) == child_of(tables.keys, 1, char)
