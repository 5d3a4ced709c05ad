"""The lists of rare terms: varints of the gaps between documents, one list after the other.

A posting is ``varint(gap << 1 | more)``, where the gap is the document less the one before it less 1 (for the first: the document itself); with
``more`` set, ``varint(code)`` follows, else the code is 1. Seven bits a byte, the low ones first; the high bit says that more follow.
"""

import numpy as np

from indexer.jit import inlined, kernel

LONGEST = 10  # bytes of a posting: two varints of up to 35 bits


@inlined
def write_varint(out, p, value):
    """Write a varint at ``out[p]``; where the next byte goes."""
    while value >= 128:
        out[p] = (value & 127) | 128
        value >>= 7
        p += 1
    out[p] = value
    return p + 1


@kernel
def encode_lists(starts, docs, codes, out, list_starts):
    """Write the lists of a stretch of terms to ``out`` uint8 and where each begins to ``list_starts`` int64[n]; returns the bytes written."""
    p = np.int64(0)
    for t in range(len(starts) - 1):
        list_starts[t] = p
        next_doc = np.int64(0)
        for i in range(starts[t], starts[t + 1]):
            doc, code = np.int64(docs[i]), np.int64(codes[i])
            p = write_varint(out, p, (doc - next_doc) << 1 | np.int64(code != 1))
            if code != 1:
                p = write_varint(out, p, code)
            next_doc = doc + 1
    return p


@kernel
def read_varint(data, p):
    """(value, place after it)"""
    value, shift = np.int64(0), np.int64(0)
    while data[p] & 128:
        value |= np.int64(data[p] & 127) << shift
        shift += 7
        p += 1
    return value | np.int64(data[p]) << shift, p + 1


@kernel
def decode_list(data, p, docs, codes):
    """Read the list of len(docs) postings at data[p:]: ``docs`` and ``codes`` int64."""
    next_doc = np.int64(0)
    for i in range(len(docs)):
        value, p = read_varint(data, p)
        docs[i] = next_doc + (value >> 1)
        next_doc = docs[i] + 1
        codes[i] = 1
        if value & 1:
            codes[i], p = read_varint(data, p)


@kernel
def skip_postings(data, starts, numbers):
    """Move each of ``starts`` int64[n] past so many postings, which may belong to several lists."""
    for i in range(len(starts)):
        p = starts[i]
        for _ in range(numbers[i]):
            more = data[p] & 1
            while data[p] & 128:
                p += 1
            p += 1
            if more:
                while data[p] & 128:
                    p += 1
                p += 1
        starts[i] = p
