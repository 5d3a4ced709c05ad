"""The best k documents so far: integer keys that sort as (score, lower document first), in a heap or a buffer.

A key is one uint64: the bits of the float32 score over the complement of the document, so one comparison decides rank and ties. Up to
64 documents a binary heap keeps them; above, a buffer of 2k is cut to its best k by quickselect whenever it is full, which is cheaper.
"""

import numpy as np

from indexer.jit import inlined, kernel
from searchd.kernels_bits import bits_of, f32_at, float_of, i64_at, u64_at
from searchd.kernels_layout import DIGITS, DOCS_OUT, KEYS, SCORES_OUT, SPARE, STATE

HEAP_LIMIT = 64
SIZE, FLOOR = 0, 1  # of ``state`` uint64[2]: keys held; the key that a newcomer must exceed
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


@kernel
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
def offer(keys, state, k, key):
    """Take a key if it is among the best k so far."""
    if key <= state[FLOOR]:
        return
    n = np.int64(state[SIZE])
    if k <= HEAP_LIMIT:
        _heap_push(keys, n, k, key)
        n = min(n + 1, k)
        if n == k:
            state[FLOOR] = max(state[FLOOR], keys[0])
    else:
        keys[n] = key
        n += 1
        if n == 2 * k:
            state[FLOOR] = max(state[FLOOR], select(keys, n, k))
            n = k
    state[SIZE] = n


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
def select(keys, n, k):
    """Move the k largest of keys[:n] to the front and return the least of them (Hoare's quickselect, median of three)."""
    low, high = 0, n - 1
    while low < high:
        a, b, c = keys[low], keys[(low + high) >> 1], keys[high]
        pivot = max(min(a, b), min(max(a, b), c))
        i, j = low, high
        while i <= j:
            while keys[i] > pivot:
                i += 1
            while keys[j] < pivot:
                j -= 1
            if i <= j:
                keys[i], keys[j] = keys[j], keys[i]
                i += 1
                j -= 1
        if k - 1 <= j:
            high = j
        elif k - 1 >= i:
            low = i
        else:
            break
    least = keys[0]
    for i in range(1, k):
        least = min(least, keys[i])
    return least


@kernel
def finish(keys, state, k, spare, digits):
    """Sort the best k, best first, into the front of ``keys``; returns how many. ``spare`` is as long as keys, ``digits`` int64[2048]."""
    n = np.int64(state[SIZE])
    if n > k:
        select(keys, n, k)
        n = k
    if n <= 48:
        _insertion_sort(keys, 0, n)
        return n
    _radix_by_score(keys, spare, n, digits)
    start = 0
    while start < n:
        end = start + 1
        while end < n and keys[end] >> np.uint64(32) == keys[start] >> np.uint64(32):
            end += 1
        _sort_ties(keys, start, end)
        start = end
    return n


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
    """Order keys of one score by document; a run of ties may be as long as the result."""
    if end - start <= 32:
        _insertion_sort(keys, start, end)
    else:
        run = np.sort(keys[start:end])
        for i in range(len(run)):
            keys[end - 1 - i] = run[i]


@kernel
def _radix_by_score(keys, spare, n, digits):
    """Sort by falling score in three passes of 11, 11 and 10 bits; ties keep no order."""
    _radix_pass(keys, spare, n, digits, 32)
    _radix_pass(spare, keys, n, digits, 43)
    _radix_pass(keys, spare, n, digits, 54)
    keys[:n] = spare[:n]


@kernel
def _radix_pass(source, target, n, digits, shift):
    shift_ = np.uint64(shift)
    mask = np.uint64(2047)
    digits[:] = 0
    for i in range(n):
        digits[np.int64((source[i] >> shift_) & mask)] += 1
    before = 0
    for digit in range(2047, -1, -1):
        count = digits[digit]
        digits[digit] = before
        before += count
    for i in range(n):
        digit = np.int64((source[i] >> shift_) & mask)
        target[digits[digit]] = source[i]
        digits[digit] += 1


@kernel
def start_top(scratch):
    """Nothing found yet, everything may enter."""
    state = u64_at(scratch, STATE)
    state[SIZE] = 0
    state[FLOOR] = 0


@kernel
def write_top(scratch, k, scale):
    """Write the best k to DOCS_OUT and SCORES_OUT, scores in their own unit again; returns how many."""
    keys = u64_at(scratch, KEYS)
    docs, scores = i64_at(scratch, DOCS_OUT), f32_at(scratch, SCORES_OUT)
    n = finish(keys, u64_at(scratch, STATE), k, u64_at(scratch, SPARE), i64_at(scratch, DIGITS))
    for i in range(n):
        docs[i] = doc_of(keys[i])
        scores[i] = np.float64(score_of(keys[i])) / scale
    return n
