"""Front-coded strings against lists of bytes: reading, comparing, prefixes; and damage that must not do more than give wrong bytes."""

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from indexer import front_coding
from indexer.format import PAGE
from indexer.front_coding import BLOCK, FrontCoded, front_code
from indexer.strings import pack, pack_bytes

# Short pieces repeated, so that strings share much, and counts pass both escapes (15, and 15 + 127).
PIECES = st.lists(st.sampled_from(["a", "b", "", "é", "数", "\n", "\0", "\ud800", "x" * 15, "y" * 150]), max_size=5).map("".join)
TEXTS = st.lists(PIECES, max_size=3 * BLOCK)


def everything_marked(coded):
    """Arguments of the kernels, as if all pages had been checked."""
    pages = [-(-array.nbytes // PAGE) for array in coded]
    return *coded, np.ones(sum(pages), np.uint8), pages[0]


def texts_of(table, numbers):
    """Bytes of strings by number, or None for damaged ones."""
    numbers, ends = np.asarray(numbers, np.int64), np.empty(len(numbers), np.int64)
    out = np.empty(max(0, front_coding.decode(*table, numbers, np.empty(0, np.uint8), ends)), np.uint8)
    size = front_coding.decode(*table, numbers, out, ends)
    assert size in (front_coding.DAMAGED, ends[-1] if len(ends) else 0)
    return [out[a:b].tobytes() for a, b in zip([0, *ends.tolist()], ends.tolist())] if size >= 0 else None


@given(TEXTS)
def test_strings_in_any_order_come_back(texts):
    coded = front_code(pack(texts))
    expected = [text.encode("utf-8", "surrogatepass") for text in texts]
    assert len(coded.starts) == front_coding.num_blocks(len(texts)) + 1
    assert texts_of(everything_marked(coded), range(len(texts))) == expected
    assert texts_of(everything_marked(coded), range(len(texts))[::-1]) == expected[::-1]


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


def is_equal(query, table, i):
    at, end, page = front_coding.open_block(*table, i // BLOCK)
    assert page == -1
    return bool(front_coding.equals(query, 0, len(query), table[0], at, end, i % BLOCK))


@given(TEXTS, PIECES)
def test_equals_is_equality(texts, other):
    table = everything_marked(front_code(pack(texts)))
    for query in {other, *texts[:4], *(t + "a" for t in texts[:2]), *(t[:-1] for t in texts[:2])}:
        wanted = np.frombuffer(query.encode("utf-8", "surrogatepass"), np.uint8)
        assert [is_equal(wanted, table, i) for i in range(len(texts))] == [query == text for text in texts]


@given(TEXTS, PIECES)
def test_borders_enclose_all_with_the_prefix(texts, other):
    texts = sorted({t.encode("utf-8", "surrogatepass") for t in texts})
    table = everything_marked(front_code(pack_bytes(texts)))
    for prefix in {b"", other.encode("utf-8", "surrogatepass"), *texts[:3], *(t[: len(t) // 2] for t in texts[:5])}:
        wanted = np.frombuffer(prefix, np.uint8)
        low, high = (front_coding.border(wanted, *table, len(texts), after) for after in (False, True))
        assert texts[low:high] == [t for t in texts if t.startswith(prefix)]
        assert low == sum(t < prefix for t in texts)


@given(TEXTS.filter(bool), st.randoms(use_true_random=False))
def test_unnoticed_damage_reads_nothing_elsewhere(texts, random):
    """The strings lie between guards that nothing may change, and no start or count leads beyond them or into an endless loop."""
    coded = front_code(pack(texts))
    room = np.full(len(coded.data) + 2000, 7, np.uint8)
    data = room[1000:-1000]
    data[:] = coded.data
    starts = coded.starts.copy()
    for _ in range(3):
        data[random.randrange(len(data))] ^= random.choice([1, 16, 128, 255])
        starts[random.randrange(len(starts))] = random.choice([0, 5, 2**32 - 1, len(data)])
    table = everything_marked(FrontCoded(data, starts))
    query = np.frombuffer(b"aaa", np.uint8)
    for i in range(len(texts)):
        text = texts_of(table, [i])
        assert text is None or len(text[0]) <= len(data)
        is_equal(query, table, i)
    assert all(0 <= front_coding.border(query, *table, len(texts), after) <= len(texts) for after in (False, True))
    assert (room[:1000] == 7).all() and (room[-1000:] == 7).all()


def test_a_string_that_shares_more_than_there_is_is_refused():
    table = everything_marked(FrontCoded(np.array([0x11, 97], np.uint8), np.array([0, 2], np.uint32)))
    assert texts_of(table, [0]) is None


def test_kernels_stop_at_pages_without_a_mark():
    coded = front_code(pack([f"{i:040}" * 4 for i in range(400)]))
    data, starts, marks, base = everything_marked(coded)
    block = int(np.flatnonzero(coded.starts > PAGE)[0])
    for page in (0, 1, base):
        marks[:] = 1
        marks[page] = 0
        assert front_coding.open_block(data, starts, marks, base, block - 1)[2] == page or page == 0
        assert front_coding.open_block(data, starts, marks, base, 0)[2] == (-1 if page == 1 else page)
        ends = np.zeros(2, np.int64)
        numbers = np.array([0, (block - 1) * BLOCK])
        assert front_coding.decode(data, starts, marks, base, numbers, np.empty(9999, np.uint8), ends) == front_coding.UNCHECKED
        assert -2 - page in ends.tolist()
        marks[:] = 0
        assert front_coding.border(np.zeros(3, np.uint8), data, starts, marks, base, 400, False) < -1
