"""What may be typed to find a text, by a kernel, against regular expressions and Python's strings."""

import re

from hypothesis import example, given
from hypothesis import strategies as st

from indexer.strings import encode, pack
from searchd.pinyin import syllables
from searchd.suggestion_keys import SPOKEN, STARTS, WORD, keys_of

NOT_HAN = re.compile(r"[^\u3400-\u4dbf\u4e00-\u9fff]")
PIECES = [
    "北京",
    "大学",
    "重",
    "啊",
    "㐀",
    "䷀",
    "鿿",
    "a",
    "ab",
    "search",
    "x" * 39,
    "y" * 41,
    "1",
    "_",
    " ",
    "-",
    "é",
    "ß",
    "𠀀",
    "か",
    "\ud800",
]
texts = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)


def naive(text: str) -> set[bytes]:
    starts = [match.start() for match in WORD.finditer(text)][:STARTS]
    found = [text, *(text[start:] for start in starts)]
    if text and not NOT_HAN.match(text):
        found += [text[start:] for start in range(1, STARTS) if text[start:]]
        way = next(iter(syllables(NOT_HAN.split(text)[0][:SPOKEN])), ())
        found += ["".join(way), "".join(syllable[0] for syllable in way)] if way else []
    return {encode(one) for one in found}


@given(st.lists(texts, max_size=5))
@example(["".join(PIECES), "", "北京大学的历史与文化研究", "x" * 100, "a b cd ef gh ij kl"])
def test_keys_are_those_of_regular_expressions(folded):
    (data, starts, stops), owners = keys_of(pack(folded))
    found = [(owner, data[start:stop].tobytes()) for owner, start, stop in zip(owners.tolist(), starts, stops, strict=True)]
    assert owners.tolist() == sorted(owners.tolist())
    for number, text in enumerate(folded):
        assert {key for owner, key in found if owner == number} == naive(text)
