"""Front-coded strings against lists of bytes: reading, comparing, prefixes; and damage that must not do more than give wrong bytes."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from indexer import front_coding
from indexer.format import Corrupt
from indexer.front_coding import BLOCK, FrontCoded, front_code
from indexer.strings import pack, pack_bytes

# Short pieces repeated, so that strings share much, and counts pass both escapes (15, and 15 + 127).
PIECES = st.lists(st.sampled_from(["a", "b", "", "é", "数", "\n", "\0", "\ud800", "x" * 15, "y" * 150]), max_size=5).map("".join)
TEXTS = st.lists(PIECES, max_size=3 * BLOCK)


@given(TEXTS)
def test_strings_in_any_order_come_back(texts):
    coded = front_code(pack(texts))
    assert len(coded) == len(texts) and len(coded.starts) == front_coding.num_blocks(len(texts)) + 1
    assert [coded.text(i) for i in range(len(texts))] == texts
    assert coded.texts(np.arange(len(texts))[::-1]) == texts[::-1]


def naive(texts):
    """The layout as FORMAT.md describes it."""
    out, starts, before = bytearray(), [], b""
    for i, text in enumerate(texts):
        if i % 16 == 0:
            starts.append(len(out))
            before = b""
        shared = next((k for k, (a, b) in enumerate(zip(before, text)) if a != b), min(len(before), len(text)))
        counts = [shared, len(text) - shared]
        out.append(min(counts[0], 15) << 4 | min(counts[1], 15))
        for rest in (count - 15 for count in counts if count >= 15):
            while rest >= 128:
                out.append(rest % 128 + 128)
                rest //= 128
            out.append(rest)
        out += text[shared:]
        before = text
    return bytes(out), [*starts, len(out)]


@given(st.lists(st.one_of(st.binary(max_size=4), PIECES.map(lambda t: t.encode("utf-8", "surrogatepass"))), max_size=2 * BLOCK + 2))
@example([b"z" * 300, b"z" * 299, b"z" * 20_000, b"z" * 20_000 + b"y"])
def test_the_layout_is_that_of_the_format(texts):
    coded = front_code(pack_bytes(texts))
    assert (coded.data.tobytes(), coded.starts.tolist()) == naive(texts)


@given(TEXTS, PIECES)
def test_equals_is_equality(texts, other):
    coded = front_code(pack(texts))
    for query in {other, *texts[:4], *(t + "a" for t in texts[:2]), *(t[:-1] for t in texts[:2])}:
        wanted = np.frombuffer(query.encode("utf-8", "surrogatepass"), np.uint8)
        found = [front_coding.equals(wanted, 0, len(wanted), coded.data, coded.starts, i) for i in range(len(texts))]
        assert found == [query == text for text in texts]


@given(TEXTS, PIECES)
def test_prefix_range_finds_all_with_the_prefix(texts, other):
    sorted_texts = sorted({t.encode("utf-8", "surrogatepass") for t in texts})
    coded = front_code(pack_bytes(sorted_texts))
    for prefix in {b"", other.encode("utf-8", "surrogatepass"), *sorted_texts[:3], *(t[: len(t) // 2] for t in sorted_texts[:5])}:
        low, high = front_coding.prefix_range(np.frombuffer(prefix, np.uint8), coded.data, coded.starts, len(coded))
        assert sorted_texts[low:high] == [t for t in sorted_texts if t.startswith(prefix)]
        assert low == sum(t < prefix for t in sorted_texts)


@given(TEXTS.filter(bool), st.randoms(use_true_random=False))
def test_damage_reads_nothing_elsewhere(texts, random):
    """The coded strings lie between guards of another byte: what comes out of damaged ones holds none of it."""
    coded = front_code(pack(texts))
    room = np.full(len(coded.data) + 2000, 7, np.uint8)
    data = room[1000:-1000]
    data[:] = coded.data
    starts = coded.starts.copy()
    for _ in range(3):
        data[random.randrange(len(data))] ^= random.choice([1, 16, 128, 255])
        starts[random.randrange(len(starts))] = random.choice([0, 5, 2**32 - 1, len(data)])
    damaged = FrontCoded(data, starts, len(texts), "x.seg", "terms.data")
    query = np.frombuffer(b"aaa", np.uint8)
    for i in range(len(texts)):
        try:
            damaged.text(i)
        except Corrupt as error:
            assert "x.seg: section terms.data" in str(error)
        front_coding.equals(query, 0, 3, data, starts, i)
    low, high = front_coding.prefix_range(query, data, starts, len(texts))
    assert 0 <= low <= len(texts) and 0 <= high <= len(texts)
    assert (room[:1000] == 7).all() and (room[-1000:] == 7).all()


def test_a_string_that_shares_more_than_there_is_is_refused():
    with pytest.raises(Corrupt, match="shares more"):
        FrontCoded(np.array([0x11, 97], np.uint8), np.array([0, 2], np.uint32), 1).text(0)
    with pytest.raises(Corrupt, match="UTF-8"):
        FrontCoded(np.array([0x01, 255], np.uint8), np.array([0, 2], np.uint32), 1).text(0)
