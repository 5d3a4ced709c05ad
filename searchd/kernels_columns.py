"""Columns of all documents at once: how often each value occurs among the matches, which documents have a keyword, which come first."""

import numpy as np

from indexer.jit import kernel


@kernel
def count_codes(matched, codes, counts):
    """counts int64[values + 1] grow by one for each matched document's code; ``matched`` uint8[n], ``codes`` uint32[n]."""
    for doc in range(len(codes)):
        counts[codes[doc]] += np.int64(matched[doc])


@kernel
def count_keywords(matched, offsets, ords, counts):
    """The same where a document has any number of codes: ords[offsets[doc]:offsets[doc + 1]]."""
    for doc in range(len(matched)):
        if matched[doc]:
            for p in range(offsets[doc], offsets[doc + 1]):
                counts[ords[p]] += 1


@kernel
def mark_keywords(offsets, ords, chosen, marks):
    """Set marks[doc] to 1 where one of the document's codes is ``chosen``, uint8[values]."""
    for doc in range(len(marks)):
        found = np.uint8(0)
        for p in range(offsets[doc], offsets[doc + 1]):
            found |= chosen[ords[p]]
        marks[doc] = found


@kernel
def first_docs(docs, keys, first):
    """Fill ``first`` int64[k], k at most the number of ``docs``, with those of them that come first, in order.

    ``keys`` uint64[levels, all documents]: the first level decides, the next ones break ties, and the lower document breaks the last. The k first
    so far are a heap with the last of them at its top, so nearly every document costs one comparison.
    """
    k = len(first)
    size = 0
    for doc in docs:
        if size < k:
            _rise(first, keys, size, doc)
            size += 1
        elif k > 0 and _before(keys, doc, first[0]):
            _sink(first, keys, k, doc)
    for size in range(k - 1, 0, -1):
        last = first[0]
        _sink(first, keys, size, first[size])
        first[size] = last


@kernel
def _before(keys, a, b):
    for level in range(len(keys)):
        if keys[level, a] != keys[level, b]:
            return keys[level, a] < keys[level, b]
    return a < b


@kernel
def _rise(heap, keys, i, doc):
    """Put ``doc`` at the end of the heap, place i, and let it rise."""
    while i > 0 and _before(keys, heap[(i - 1) >> 1], doc):
        heap[i] = heap[(i - 1) >> 1]
        i = (i - 1) >> 1
    heap[i] = doc


@kernel
def _sink(heap, keys, size, doc):
    """Put ``doc`` at the top of heap[:size] and let it sink."""
    i = 0
    while 2 * i + 1 < size:
        child = 2 * i + 1
        if child + 1 < size and _before(keys, heap[child], heap[child + 1]):
            child += 1
        if not _before(keys, doc, heap[child]):
            break
        heap[i] = heap[child]
        i = child
    heap[i] = doc
