"""Which of many distinct strings is this one: front-coded blocks and a hash table of 32-bit slots, 4.8 bytes a string beside them.

Open addressing with linear probing. The high half of a string's hash chooses the first slot (by multiplication and shift instead of a
remainder: Lemire, Fast Random Integer Generation in an Interval, 2019), so tables need no power of two; the low half is a tag that leaves few
strings to be compared. A found string is always compared byte by byte, so a look-up is never wrong.
"""

from collections.abc import Sequence

import numpy as np

import indexer.bit_packing as bit_packing
import indexer.front_coding as front_coding
import indexer.strings as strings
from indexer.front_coding import FrontCoded
from indexer.jit import inlined, kernel
from indexer.strings import Strings

ITSELF = 0  # bits of numbering where a string's number is its place
_HALF = np.uint64(32)


def num_slots(n: int) -> int:
    """Number of slots for ``n`` strings: at most five sixths are taken, and one is always empty."""
    return n + n // 5 + 1


def build_slots(found: Strings) -> np.ndarray:
    """The slots of distinct strings: uint32[num_slots(n)]; 0 = empty, else a tag above the string's number + 1."""
    slots = np.zeros(num_slots(len(found)), np.uint32)
    _fill(found.data, found.offsets, len(found).bit_length(), slots)
    return slots


@inlined
def _first_slot(h, slots):
    return np.int64(((h >> _HALF) * np.uint64(len(slots))) >> _HALF)


@inlined
def _tag(h, number_bits):
    return np.uint32((h << np.uint64(number_bits)) & np.uint64(0xFFFFFFFF))


@kernel
def _fill(data, offsets, number_bits, slots):
    for i in range(len(offsets) - 1):
        h = strings.hash_bytes(data, offsets[i], offsets[i + 1])
        at = _first_slot(h, slots)
        while slots[at] != 0:
            at = at + 1 if at + 1 < len(slots) else 0
        slots[at] = _tag(h, number_bits) | np.uint32(i + 1)


def find(
    coded: FrontCoded, slots: np.ndarray, texts: Sequence[str], numbering: np.ndarray | None = None, numbering_bits: int = ITSELF
) -> np.ndarray:
    """Numbers of ``texts``, int32[n], -1 = absent: their places, or what ``numbering`` (see ``bit_packing``) has there. One kernel call."""
    out = np.empty(len(texts), np.int32)
    joined = "\n".join(texts) + "\n"
    try:
        query = joined.encode()
    except UnicodeEncodeError:
        query = strings.encode(joined)
    ids = slots[:0] if numbering is None else numbering
    table = coded.data, coded.starts, coded.size, slots, ids, numbering_bits
    if _find_joined(np.frombuffer(query, np.uint8), *table, out) != len(texts):
        packed = strings.pack(texts)  # a text holds the separator itself
        _find_packed(packed.data, packed.offsets, *table, out)
    return out


@kernel
def _find_joined(query, data, starts, size, slots, ids, bits, out):
    """Look up every piece that ends in the separator; returns their number, which may exceed ``len(out)``."""
    n, start = 0, 0
    for i in range(len(query)):
        if query[i] == strings.SEPARATOR:
            if n < len(out):
                out[n] = _find_one(query, start, i, data, starts, size, slots, ids, bits)
            n += 1
            start = i + 1
    return n


@kernel
def _find_packed(query, offsets, data, starts, size, slots, ids, bits, out):
    for i in range(len(out)):
        out[i] = _find_one(query, offsets[i], offsets[i + 1], data, starts, size, slots, ids, bits)


@kernel
def _find_one(query, start, stop, data, starts, size, slots, ids, bits):
    """Probe until the string or an empty slot is met, but never longer than the table: a damaged one may be full."""
    h = strings.hash_bytes(query, start, stop)
    number_bits = _bit_length(size)
    tag = _tag(h, number_bits)
    mask = np.uint32((np.uint64(1) << np.uint64(number_bits)) - np.uint64(1))
    at = _first_slot(h, slots)
    for _ in range(len(slots)):
        slot = slots[at]
        if slot == 0:
            break
        i = np.int64(slot & mask) - 1
        if (slot & ~mask) == tag and 0 <= i < size and front_coding.equals(query, start, stop, data, starts, i):
            return i if bits == ITSELF else bit_packing.number_at(ids, bits, i)
        at = at + 1 if at + 1 < len(slots) else 0
    return np.int64(-1)


@kernel
def _bit_length(n):
    bits = 0
    while n > 0:
        n >>= 1
        bits += 1
    return bits
