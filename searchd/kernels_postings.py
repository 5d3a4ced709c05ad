"""One term's postings in one segment: what a posting is worth, where a superblock's postings are, adding a superblock to a window.

Arguments named ``segment`` and ``scratch`` are descriptors (kernels_layout). An ``offset`` is a document inside its superblock.
"""

import numpy as np

from indexer.bm25 import saturation
from indexer.jit import inlined, kernel
from indexer.postings import EXCEPTION, SKIPS, SUPERBLOCK_BITS
from searchd.kernels_bits import f32_at, find_doc, i32_at, i64_at, u8_at, u16_at, u32_at, word_at
from searchd.kernels_layout import (
    BLOCK_STARTS,
    BOOK_FIELDS,
    BOOK_STARTS,
    BOOK_TFS,
    CODE_FIELDS,
    EXCEPTION_CODES,
    EXCEPTIONS,
    FIRST_DOC,
    K1,
    LENGTH_CODES,
    LENGTH_NORMS,
    LIVE,
    LONG_LENGTH_CODES,
    NORM_STARTS,
    NUM_DENSE,
    NUM_DOCS,
    NUM_LENGTHS,
    NUM_LONG,
    NUM_SUPERBLOCKS,
    NUM_WIDE,
    PACKED,
    RARE_DOCS,
    RARE_IMPACTS,
    SHARES,
    SUPERBLOCK_STARTS,
    SUPERBLOCK_STARTS_HIGH,
    TABLE_LENGTHS,
)
from searchd.kernels_wide import add_wide, impact, is_wide, wide_impact

CODES = 16


@inlined
def lower_bound(values, low, high, wanted):
    """The first position in sorted values[low:high] whose value is at least ``wanted``."""
    while low < high:
        middle = (low + high) >> 1
        if values[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low


@inlined
def full_code(segment, code, index):
    """The codebook row of the posting with this index, whose four bits say ``code``."""
    if code < EXCEPTION:
        return np.int64(code)
    return _exception_code(segment, _next_exception(segment, np.int64(-1), index))


@inlined
def _next_exception(segment, last, index):
    """Where the posting with this index stands among the exceptions: right after ``last``, the one before in a walk; -1 starts one."""
    if last >= 0:
        return last + 1
    exceptions = u32_at(segment, EXCEPTIONS)
    return lower_bound(exceptions, 0, len(exceptions), np.int64(index))


@inlined
def _exception_code(segment, exception):
    return np.int64(u32_at(segment, EXCEPTION_CODES)[exception])


@inlined
def norm_of(segment, field, doc):
    """The norm of a document's field, by the code of its length."""
    long_codes = u32_at(segment, LONG_LENGTH_CODES)
    at = field * word_at(segment, NUM_DOCS) + doc
    code = np.int64(long_codes[at]) if len(long_codes) > 0 else np.int64(u16_at(segment, LENGTH_CODES)[at])
    return f32_at(segment, LENGTH_NORMS)[i64_at(segment, NORM_STARTS)[field] + code]


@kernel
def book_share(segment, row, doc, term_class):
    """Saturation of a codebook row's frequencies in a document."""
    starts = i32_at(segment, BOOK_STARTS)
    fields = i32_at(segment, BOOK_FIELDS)
    tfs = f32_at(segment, BOOK_TFS)
    x = np.float32(0)
    for j in range(starts[row], starts[row + 1]):
        x += tfs[j] * norm_of(segment, np.int64(fields[j]), doc)
    return saturation(x, f32_at(segment, K1)[term_class])


@kernel
def code_share(segment, row, doc, term_class):
    """Saturation of a codebook row's frequencies in a document, by the table of codes and lengths where it has them."""
    lengths = word_at(segment, TABLE_LENGTHS)
    if lengths > 0 and row < EXCEPTION and i64_at(segment, CODE_FIELDS)[row] >= 0:
        at = i64_at(segment, CODE_FIELDS)[row] * word_at(segment, NUM_DOCS) + doc
        return f32_at(segment, SHARES)[(term_class * CODES + row) * lengths + np.int64(u16_at(segment, LENGTH_CODES)[at])]
    return book_share(segment, row, doc, term_class)


@inlined
def posting_share(segment, code, index, doc, term_class):
    """Saturation of the posting of a packed row with this index, whose four bits say ``code``."""
    return code_share(segment, full_code(segment, code, index), doc, term_class)


@inlined
def accepted(segment, mask, doc):
    """Whether a document is neither deleted nor masked out; ``mask`` uint8[max_doc], or empty."""
    live = u8_at(segment, LIVE)
    return (len(live) == 0 or live[doc] != 0) and (len(mask) == 0 or mask[word_at(segment, FIRST_DOC) + doc] != 0)


@inlined
def superblock_range(segment, row, superblock):
    """The postings of a row in a superblock, as positions counted from the row's first."""
    at = row * (word_at(segment, NUM_SUPERBLOCKS) + 1) + superblock
    low = u16_at(segment, SUPERBLOCK_STARTS)
    start, end = np.int64(low[at]), np.int64(low[at + 1])
    if row < word_at(segment, NUM_LONG):
        high = u16_at(segment, SUPERBLOCK_STARTS_HIGH)
        start |= np.int64(high[at]) << 16
        end |= np.int64(high[at + 1]) << 16
    return start, end


@inlined
def skip_range(block_starts, at, start, end, offset):
    """The postings of the 256 documents around ``offset``."""
    skip = offset >> 8
    low = start + np.int64(block_starts[at + skip])
    following = start + np.int64(block_starts[at + min(skip + 1, SKIPS - 1)])
    return low, end if skip == SKIPS - 1 else following


@inlined
def find_posting(segment, row, start, end, superblock, offset):
    """Position of a document's posting among packed[start:end], all the postings of a row in a superblock; -1 if it has none. Not for wide rows."""
    if row < word_at(segment, NUM_DENSE):
        at = ((row - word_at(segment, NUM_WIDE)) * word_at(segment, NUM_SUPERBLOCKS) + superblock) * SKIPS
        start, end = skip_range(u16_at(segment, BLOCK_STARTS), at, start, end, offset)
    return find_doc(u16_at(segment, PACKED), start, end, offset)


@inlined
def packed_impact(segment, position, superblock, weight, term_class):
    """What the posting at a position of ``PACKED`` gives."""
    posting = np.int64(u16_at(segment, PACKED)[position])
    doc = (superblock << SUPERBLOCK_BITS) + (posting & 4095)
    return np.int64(impact(weight, posting_share(segment, posting >> SUPERBLOCK_BITS, position, doc, term_class)))


@inlined
def add_row(segment, window, row, start, end, superblock, weight, term_class):
    """Add the impacts of a row in a superblock, packed[start:end] if it is not wide, to its window."""
    first_doc = superblock << SUPERBLOCK_BITS
    if start == end:
        return
    if is_wide(segment, row):
        add_wide(segment, window, row, superblock, weight, term_class)
    elif word_at(segment, NUM_LENGTHS) > 0:
        _add_by_table(segment, window, start, end, first_doc, np.float32(weight), term_class)
    elif word_at(segment, TABLE_LENGTHS) > 0:
        _add_by_field_tables(segment, window, start, end, first_doc, np.float32(weight), term_class)
    else:
        _add_by_formula(segment, window, start, end, first_doc, np.float32(weight), term_class)


@inlined
def _add_by_table(segment, window, start, end, first_doc, weight, term_class):
    packed = u16_at(segment, PACKED)
    lengths = np.uint64(word_at(segment, NUM_LENGTHS))
    shares = f32_at(segment, SHARES)[term_class * CODES * word_at(segment, NUM_LENGTHS) :]
    codes = u16_at(segment, LENGTH_CODES)[first_doc:]
    exception = np.int64(-1)
    for p in range(start, end):
        posting = np.uint64(packed[p])
        offset = posting & np.uint64(4095)
        code = posting >> np.uint64(SUPERBLOCK_BITS)
        share = shares[code * lengths + np.uint64(codes[offset])]
        if code == EXCEPTION:
            exception = _next_exception(segment, exception, p)
            share = book_share(segment, _exception_code(segment, exception), first_doc + np.int64(offset), term_class)
        window[offset] += impact(weight, share)


@kernel
def _add_by_field_tables(segment, window, start, end, first_doc, weight, term_class):
    """With several fields: by table where the code stands for one field, by formula elsewhere."""
    packed, lengths = u16_at(segment, PACKED), word_at(segment, TABLE_LENGTHS)
    shares = f32_at(segment, SHARES)[term_class * CODES * lengths :]
    length_codes, fields, num_docs = u16_at(segment, LENGTH_CODES), i64_at(segment, CODE_FIELDS), word_at(segment, NUM_DOCS)
    exception = np.int64(-1)
    for p in range(start, end):
        posting = np.int64(packed[p])
        doc = first_doc + (posting & 4095)
        row = posting >> SUPERBLOCK_BITS
        if fields[row] >= 0:
            share = shares[row * lengths + np.int64(length_codes[fields[row] * num_docs + doc])]
        else:
            if row == EXCEPTION:
                exception = _next_exception(segment, exception, p)
                row = _exception_code(segment, exception)
            share = book_share(segment, row, doc, term_class)
        window[posting & 4095] += impact(weight, share)


@kernel
def _add_by_formula(segment, window, start, end, first_doc, weight, term_class):
    packed = u16_at(segment, PACKED)
    exception = np.int64(-1)
    for p in range(start, end):
        posting = np.int64(packed[p])
        offset = posting & 4095
        row = posting >> SUPERBLOCK_BITS
        if row == EXCEPTION:
            exception = _next_exception(segment, exception, p)
            row = _exception_code(segment, exception)
        window[offset] += impact(weight, book_share(segment, row, first_doc + offset, term_class))


@inlined
def rare_range(scratch, start, end, last, superblock):
    """The decoded postings of a rare term in a superblock, and the best of them: (start, end, best).

    ``last`` is where the superblock looked at before began, if it lies in start:end; most often the one asked for follows soon.
    """
    docs, impacts = i32_at(scratch, RARE_DOCS), i32_at(scratch, RARE_IMPACTS)
    first_doc = superblock << SUPERBLOCK_BITS
    first = last
    if first < start or first >= end or docs[first] >= first_doc:
        first = lower_bound(docs, start, end, first_doc)
    while first < end and docs[first] < first_doc:
        first += 1
    last = first
    best = np.int64(0)
    while last < end and docs[last] >> SUPERBLOCK_BITS == superblock:
        best = max(best, np.int64(impacts[last]))
        last += 1
    return first, last, best


@inlined
def impact_of_doc(segment, scratch, row, start, end, superblock, offset, weight, term_class):
    """What a term gives a document of the superblock, where its postings are start:end; 0 if it is not there. ``row`` is -1 if rare."""
    if row < 0:
        docs = i32_at(scratch, RARE_DOCS)
        doc = (superblock << SUPERBLOCK_BITS) + offset
        p = lower_bound(docs, start, end, doc)
        return np.int64(i32_at(scratch, RARE_IMPACTS)[p]) if p < end and docs[p] == doc else np.int64(0)
    if is_wide(segment, row):
        return wide_impact(segment, row, superblock, offset, weight, term_class)
    p = find_posting(segment, row, start, end, superblock, offset)
    return packed_impact(segment, p, superblock, weight, term_class) if p >= 0 else np.int64(0)
