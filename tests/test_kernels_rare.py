"""The lists of rare terms, decoded with few branches, against the bytes written one varint after another."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from searchd.kernels_rare import _decode_codes


def _varint(value: int) -> bytes:
    groups = []
    while value >= 128:
        groups.append(value & 127 | 128)
        value >>= 7
    return bytes([*groups, value])


def _encoded(gaps: list[int], codes: list[int]) -> bytes:
    return b"".join(_varint(gap << 1 | (code != 1)) + (_varint(code) if code != 1 else b"") for gap, code in zip(gaps, codes))


POSTINGS = st.tuples(
    st.one_of(st.integers(0, 200), st.integers(0, 1 << 24)),
    st.one_of(st.just(1), st.integers(0, 300), st.integers(0, (1 << 31) - 1)),
)


@given(st.lists(POSTINGS, max_size=60), st.integers(0, 5))
def test_decoded_postings_are_those_written(postings, before):
    gaps, codes = [gap for gap, _ in postings], [code for _, code in postings]
    data = bytes(before) + _encoded(gaps, codes) + b"\x81" * 16
    docs, found = np.zeros(len(gaps) + 3, np.int32), np.zeros(len(gaps) + 3, np.int32)
    _decode_codes(np.frombuffer(data, np.uint8).copy(), before, docs, found, 3, 3 + len(gaps))
    assert docs[3:].tolist() == (np.cumsum([gap + 1 for gap in gaps], dtype=np.int64) - 1).tolist()
    assert found[3:].tolist() == codes
