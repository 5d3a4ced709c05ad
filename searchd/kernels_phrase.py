"""Whether a phrase stands in a document, without decoding it.

A row of the forward index is varints, so adjacent terms are one string of bytes that must begin where a varint begins. The string is sought
64 bytes at a time by its first and last byte. A phrase with room in it (slop, or ANY) begins with such a string and is walked from there.

PHRASE of the scratch holds the phrase: a header, then its positions as numbers of the term table, or ANY.
"""

import numpy as np

from indexer.jit import kernel
from indexer.postings_rare import write_varint
from indexer.swar import trailing_zeros
from searchd.kernels_bits import equal_ends, i32_at, i64_at, prefetch, u8_at, word_at
from searchd.kernels_forward import first_row_byte, row_bytes
from searchd.kernels_layout import (
    NUM_FIELDS,
    OFFSETS,
    PATTERN,
    PHRASE,
    PHRASE_IDS,
    TERM_IDS,
)

GAP = -1  # between the values of a list; no phrase crosses it
ANY = -2  # in a phrase: one term, whichever
POSITIONS, FIELD, SLOP, BYTES, HEAD = range(
    5
)  # of PHRASE: positions; field or -1; terms that may stand between; PATTERN's bytes, positions
HEADER = 5
MAX_VARINT = 5
AHEAD = 8  # candidates whose rows are fetched before their turn
LANES = 64


@kernel
def prepare_phrase(segment, scratch):
    """PHRASE_IDS: the phrase's terms in this segment. PATTERN: the bytes of its beginning up to the first room. False if a term is absent."""
    phrase, ids, pattern = i64_at(scratch, PHRASE), i64_at(scratch, PHRASE_IDS), u8_at(scratch, PATTERN)
    term_ids = i32_at(segment, TERM_IDS)
    size, head = np.int64(0), np.int64(0)
    adjacent = True
    for i in range(phrase[POSITIONS]):
        number = phrase[HEADER + i]
        ids[i] = np.int64(ANY) if number == ANY else np.int64(term_ids[number])
        if ids[i] == -1:
            return False
        adjacent = adjacent and ids[i] != ANY and (i == 0 or phrase[SLOP] == 0)
        if adjacent:
            size = write_varint(pattern, size, ids[i] + 1)
            head += 1
    phrase[BYTES], phrase[HEAD] = size, head
    return True


@kernel
def has_phrase(segment, scratch, doc):
    """Whether the prepared phrase stands in a document of the segment."""
    field, num_fields = i64_at(scratch, PHRASE)[FIELD], word_at(segment, NUM_FIELDS)
    first, last = (np.int64(0), num_fields) if field < 0 else (field, field + 1)
    for row in range(doc * num_fields + first, doc * num_fields + last):
        data, start, end = row_bytes(segment, row)
        if _stands_in(scratch, data, start, end):
            return True
    return False


@kernel
def _stands_in(scratch, data, start, end):
    """Whether the phrase stands in the row data[start:end]."""
    pattern, phrase = u8_at(scratch, PATTERN), i64_at(scratch, PHRASE)
    size = phrase[BYTES]
    at = find_terms(data, start, start, end, pattern, size)
    while at >= 0:
        if phrase[HEAD] == phrase[POSITIONS] or _goes_on(scratch, data, at + size, end):
            return True
        at = find_terms(data, start, at + 1, end, pattern, size)
    return False


@kernel
def find_terms(data, row, start, end, pattern, size):
    """Where pattern[:size], whole varints, first stands in data[start:end] as terms of the row that begins at ``row``; -1 if nowhere."""
    first, last = pattern[0], pattern[size - 1]
    for p in range(start, end - size + 1, LANES):
        left = end - size - p  # the last place where it may begin, counted from p
        if p + size - 1 + LANES <= len(data):
            places = equal_ends(data, p, first, p + size - 1, last)
            if left < LANES - 1:
                places &= (np.uint64(2) << np.uint64(left)) - np.uint64(1)
        else:
            places = np.uint64(0)
            for j in range(min(left + 1, LANES)):
                places |= np.uint64(data[p + j] == first and data[p + j + size - 1] == last) << np.uint64(j)
        while places != 0:
            at = p + trailing_zeros(places)
            places &= places - np.uint64(1)
            if (at == row or data[at - 1] < 128) and _same(data, at, pattern, size):
                return at
    return np.int64(-1)


@kernel
def _same(data, at, pattern, size):
    j = 1
    while j < size - 1 and data[at + j] == pattern[j]:
        j += 1
    return j >= size - 1


@kernel
def _goes_on(scratch, data, at, end):
    """Whether the positions after PATTERN follow from data[at] on. Taking the earliest place of each term leaves the most slop for the rest."""
    phrase, ids = i64_at(scratch, PHRASE), i64_at(scratch, PHRASE_IDS)
    left = phrase[SLOP]
    for i in range(phrase[HEAD], phrase[POSITIONS]):
        found, at = _next_term(data, at, end)
        while ids[i] != ANY and found != ids[i] and found != GAP and left > 0:
            left -= 1
            found, at = _next_term(data, at, end)
        if found == GAP or (ids[i] != ANY and found != ids[i]):
            return False
    return True


@kernel
def _next_term(data, at, end):
    """The term at a place and where the next one begins; behind the row there are gaps."""
    value, shift = np.int64(0), np.int64(0)
    while at < end and data[at] >= 128:
        value |= np.int64(data[at] & np.uint8(127)) << shift
        shift += 7
        at += 1
    if at >= end:
        return np.int64(GAP), at
    return (value | (np.int64(data[at]) << shift)) - 1, at + 1


@kernel
def fetch_row(segment, doc):
    """Ask for a document's first row before it is needed."""
    data, start = first_row_byte(segment, doc * word_at(segment, NUM_FIELDS))
    prefetch(data, start)
    prefetch(data, start + 64)
    prefetch(data, start + 128)


@kernel
def keep_phrases(segment, scratch, first_doc, found):
    """Keep those documents in OFFSETS, which count from ``first_doc``, that have the phrase; how many are left."""
    offsets = i64_at(scratch, OFFSETS)
    ahead = min(found, AHEAD)
    for c in range(ahead):
        fetch_row(segment, first_doc + offsets[c])
    kept = 0
    for c in range(found):
        if c + ahead < found:
            fetch_row(segment, first_doc + offsets[c + ahead])
        offset = offsets[c]
        offsets[kept] = offset
        kept += np.int64(has_phrase(segment, scratch, first_doc + offset))
    return kept
