"""The best k documents so far: integer keys that sort as (score, lower document first), in a heap or a buffer.

A key is one uint64: the bits of the float32 score over the complement of the document, so one comparison decides rank and ties. Up to
64 documents a binary heap keeps them. Above, a histogram of the scores raises the floor as soon as k documents are sure to reach the edge
of a bucket, and a buffer of 2k keys is swept of those below whenever it is full.
"""

import numpy as np

from indexer.jit import inlined, kernel
from indexer.selection import select
from searchd.kernels_bits import bits_of, f32_at, float_of, i64_at, u64_at
from searchd.kernels_layout import DIGITS, DOCS_OUT, FIXED_BITS, HISTOGRAM, KEYS, OFFSETS, SCORES, SCORES_OUT, SPARE, STATE

HEAP_LIMIT = 64
# Of ``state``: keys held; the key that a newcomer must exceed; the bucket of the histogram that the floor is in; keys in higher buckets.
SIZE, FLOOR, BUCKET, ABOVE = 0, 1, 2, 3
STATE_WORDS = 4
BUCKETS = 2048
BUCKET_BITS = FIXED_BITS - 11
LAST_DOC = 0xFFFFFFFF


def capacity(k: int) -> int:
    """Length of the array of keys for the best ``k``."""
    return k if k <= HEAP_LIMIT else 2 * k


@inlined
def make_key(score, doc):
    return (np.uint64(bits_of(np.float32(score))) << np.uint64(32)) | (np.uint64(LAST_DOC) - np.uint64(doc))


@inlined
def score_of(key):
    return float_of(np.uint32(key >> np.uint64(32)))


@inlined
def doc_of(key):
    return np.int64(np.uint64(LAST_DOC) - (key & np.uint64(LAST_DOC)))


@kernel
def raise_floor(state, score):
    """Refuse scores below ``score`` from now on; scores equal to it still enter."""
    if score >= 1:
        state[FLOOR] = max(state[FLOOR], make_key(score, LAST_DOC) - np.uint64(1))


@inlined
def needed(state, first_doc):
    """The least integer score with which a document from ``first_doc`` on can still enter; at least 1.

    Equal scores enter only before the document that holds the floor. A float32 of an integer may be rounded, so the least score is
    allowed half a unit in the last place of grace; the key decides in the end.
    """
    floor = state[FLOOR]
    score = np.float64(score_of(floor))
    if first_doc >= doc_of(floor):
        return np.int64(score) + 1
    return max(np.int64(1), np.int64(score * (1.0 - 2.0**-24)))


@kernel
def offer(scratch, k, score, doc):
    """Take a document if it is among the best k so far."""
    state, keys = u64_at(scratch, STATE), u64_at(scratch, KEYS)
    key = make_key(score, doc)
    if key <= state[FLOOR]:
        return
    n = np.int64(state[SIZE])
    if k <= HEAP_LIMIT:
        _heap_push(keys, n, k, key)
        n = min(n + 1, k)
        if n == k:
            state[FLOOR] = max(state[FLOOR], keys[0])
        state[SIZE] = np.uint64(n)
        return
    histogram, bucket = i64_at(scratch, HISTOGRAM), min(np.int64(score) >> BUCKET_BITS, BUCKETS - 1)
    keys[n] = key
    state[SIZE] = np.uint64(n + 1)
    histogram[bucket] += 1
    state[ABOVE] += np.uint64(bucket > state[BUCKET])
    _raise_by_histogram(state, histogram, k)
    if n + 1 == 2 * k:
        state[SIZE] = np.uint64(_sweep(state, keys, 2 * k, k))


@kernel
def offer_all(scratch, k, first_doc, found):
    """Offer the candidates in SCORES and OFFSETS, which count from ``first_doc``; for a large k without a branch for each."""
    offsets, scores = i64_at(scratch, OFFSETS), i64_at(scratch, SCORES)
    state = u64_at(scratch, STATE)
    if k <= HEAP_LIMIT:
        floor = state[FLOOR]
        for c in range(found):
            if make_key(scores[c], first_doc + offsets[c]) > floor:
                offer(scratch, k, scores[c], first_doc + offsets[c])
                floor = state[FLOOR]
        return
    start = np.int64(0)
    while start < found:
        end = min(found, start + 2 * k - np.int64(state[SIZE]))
        _append(scratch, first_doc, start, end)
        _raise_by_histogram(state, i64_at(scratch, HISTOGRAM), k)
        if state[SIZE] == 2 * k:
            state[SIZE] = np.uint64(_sweep(state, u64_at(scratch, KEYS), 2 * k, k))
        start = end


@kernel
def _append(scratch, first_doc, start, end):
    """Add those of the candidates start:end that exceed the floor to the buffer and to the histogram."""
    state, keys, histogram = u64_at(scratch, STATE), u64_at(scratch, KEYS), i64_at(scratch, HISTOGRAM)
    offsets, scores = i64_at(scratch, OFFSETS), i64_at(scratch, SCORES)
    floor, lowest, above, n = state[FLOOR], np.int64(state[BUCKET]), np.int64(state[ABOVE]), state[SIZE]
    for c in range(start, end):
        score = scores[np.uint64(c)]
        key = make_key(score, first_doc + offsets[np.uint64(c)])
        taken = np.int64(key > floor)
        bucket = min(score >> BUCKET_BITS, BUCKETS - 1)
        histogram[np.uint64(bucket)] += taken
        above += taken & np.int64(bucket > lowest)
        keys[n] = key
        n += np.uint64(taken)
    state[SIZE], state[ABOVE] = n, np.uint64(above)


@kernel
def _raise_by_histogram(state, histogram, k):
    """Raise the floor to the edge of the highest bucket that k of the scores so far reach."""
    lowest, above = np.int64(state[BUCKET]), np.int64(state[ABOVE])
    if above < k:
        return
    while above >= k:
        lowest += 1
        above -= histogram[lowest]
    state[BUCKET], state[ABOVE] = np.uint64(lowest), np.uint64(above)
    raise_floor(state, lowest << BUCKET_BITS)


@kernel
def _sweep(state, keys, n, k):
    """Make room in the buffer: drop the keys below the floor; if those above it are too many, all but the best k. How many stay."""
    n = _drop_below(keys, n, state[FLOOR])
    if 2 * n < 3 * k:
        return n
    state[FLOOR] = max(state[FLOOR], select(keys, n, k))
    return k


@kernel
def _drop_below(keys, n, floor):
    kept = 0
    for i in range(n):
        key = keys[i]
        keys[kept] = key
        kept += np.int64(key >= floor)
    return kept


@kernel
def _heap_push(keys, n, k, key):
    """Add to the min-heap keys[:n], or replace its least when it is full."""
    if n < k:
        i = n
        while i > 0:
            parent = (i - 1) >> 1
            if keys[parent] <= key:
                break
            keys[i] = keys[parent]
            i = parent
    else:
        i = 0
        while True:
            child = 2 * i + 1
            if child >= k:
                break
            if child + 1 < k and keys[child + 1] < keys[child]:
                child += 1
            if keys[child] >= key:
                break
            keys[i] = keys[child]
            i = child
    keys[i] = key


@kernel
def finish(keys, state, k, spare, digits):
    """Sort the best k, best first, into the front of ``keys``; returns how many. ``spare`` is as long as keys, ``digits`` int64[2048]."""
    n = np.int64(state[SIZE])
    if n > k:
        n = _drop_below(keys, n, state[FLOOR])
    if n <= 48:
        _insertion_sort(keys, 0, n)
        return min(n, k)
    least, shift = _sort_by_score(keys, spare, n, digits)
    start = 0
    while start < min(n, k):
        score = _digits_of(keys[start], least, shift)
        end = start + 1
        while end < n and _digits_of(keys[end], least, shift) == score:
            end += 1
        _sort_ties(keys, start, end)
        start = end
    return min(n, k)


@kernel
def _insertion_sort(keys, start, end):
    for i in range(start + 1, end):
        key = keys[i]
        j = i - 1
        while j >= start and keys[j] < key:
            keys[j + 1] = keys[j]
            j -= 1
        keys[j + 1] = key


@kernel
def _sort_ties(keys, start, end):
    """Order keys of about one score; a run of ties may be as long as the result."""
    if end - start <= 32:
        _insertion_sort(keys, start, end)
    else:
        run = np.sort(keys[start:end])
        for i in range(len(run)):
            keys[end - 1 - i] = run[i]


@inlined
def _digits_of(key, least, shift):
    return ((key >> np.uint64(32)) - least) >> shift


@kernel
def _sort_by_score(keys, spare, n, digits):
    """Sort by the 22 highest bits in which the scores differ, falling, in two passes; returns the least score and how many bits are left."""
    least, highest = keys[0] >> np.uint64(32), np.uint64(0)
    for i in range(n):
        score = keys[i] >> np.uint64(32)
        least, highest = min(least, score), max(highest, score)
    shift = np.uint64(0)
    while (highest - least) >> shift >= np.uint64(1 << 22):
        shift += np.uint64(1)
    _radix_pass(keys, spare, n, digits, least, shift)
    _radix_pass(spare, keys, n, digits, least, shift + np.uint64(11))
    return least, shift


@kernel
def _radix_pass(source, target, n, digits, least, shift):
    mask = np.uint64(2047)
    digits[:] = 0
    for i in range(n):
        digits[_digits_of(source[i], least, shift) & mask] += 1
    before = 0
    for digit in range(2047, -1, -1):
        count = digits[digit]
        digits[digit] = before
        before += count
    for i in range(n):
        digit = _digits_of(source[i], least, shift) & mask
        target[digits[digit]] = source[i]
        digits[digit] += 1


@kernel
def start_top(scratch, k):
    """Nothing found yet, everything may enter."""
    u64_at(scratch, STATE)[:] = 0
    if k > HEAP_LIMIT:
        i64_at(scratch, HISTOGRAM)[:] = 0


@kernel
def write_top(scratch, k, scale):
    """Write the best k to DOCS_OUT and SCORES_OUT, scores in their own unit again; returns how many."""
    keys = u64_at(scratch, KEYS)
    docs, scores = i64_at(scratch, DOCS_OUT), f32_at(scratch, SCORES_OUT)
    n = finish(keys, u64_at(scratch, STATE), k, u64_at(scratch, SPARE), i64_at(scratch, DIGITS))
    unit = np.float32(1.0 / scale)  # a power of two, so this is exact
    for i in range(n):
        docs[i] = doc_of(keys[i])
        scores[i] = score_of(keys[i]) * unit
    return n
