"""Whole numbers of a fixed number of bits, one after the other in 32-bit words, the first in the lowest bits."""

import numpy as np

from indexer.jit import inlined, kernel

WORD = 32


def bits_for(n: int) -> int:
    """Bits that hold every number below ``n``; at least 1."""
    return max(1, int(n - 1).bit_length())


def num_words(n: int, bits: int) -> int:
    """Words of ``n`` numbers; one more than they fill, so that any number may be read as a pair of words."""
    return (n * bits + WORD - 1) // WORD + 1


def pack(values: np.ndarray, bits: int) -> np.ndarray:
    """``values`` below 2^bits, int or uint[n] -> uint32[num_words(n, bits)]; bits from 1 to 32."""
    words = np.zeros(num_words(len(values), bits), np.uint32)
    _pack(np.ascontiguousarray(values, np.uint32), bits, words)
    return words


def unpack(words: np.ndarray, bits: int, first: int, last: int) -> np.ndarray:
    """Numbers ``first`` to ``last`` - 1 of what ``pack`` made: uint32[last - first]."""
    out = np.empty(last - first, np.uint32)
    _unpack(words, bits, first, out)
    return out


@kernel
def _pack(values, bits, words):
    for i in range(len(values)):
        at = i * bits
        pair = np.uint64(values[i]) << np.uint64(at & (WORD - 1))
        words[at // WORD] |= np.uint32(pair & np.uint64(0xFFFFFFFF))
        words[at // WORD + 1] |= np.uint32(pair >> np.uint64(WORD))


@kernel
def _unpack(words, bits, first, out):
    for i in range(len(out)):
        out[i] = number_at(words, bits, first + i)


@inlined
def number_at(words, bits, i):
    """Number ``i`` < n."""
    at = i * bits
    pair = np.uint64(words[at // WORD]) | np.uint64(words[at // WORD + 1]) << np.uint64(WORD)
    return np.int64((pair >> np.uint64(at & (WORD - 1))) & ((np.uint64(1) << np.uint64(bits)) - np.uint64(1)))


@inlined
def first_byte(bits, i):
    """Where in the words' bytes the pair of words of number ``i`` begins; it has 8."""
    return i * bits // WORD * 4
