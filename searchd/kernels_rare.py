"""The lists of rare terms, decoded once a query into documents and impacts.

See ``indexer/postings_rare.py`` for the bytes. Eight of them are read at once and the varint's groups of seven bits pushed together, without
a branch for its length, which no processor could predict.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from indexer.jit import inlined
from indexer.postings import EXCEPTION
from indexer.swar import trailing_zeros
from searchd.kernels_bits import f32_at, i32_at, u8_at, u16_at, word_at
from searchd.kernels_layout import LENGTH_CODES, LIVE, NUM_LENGTHS, RARE, RARE_DOCS, RARE_IMPACTS, SHARES
from searchd.kernels_postings import CODES, accepted, code_share
from searchd.kernels_wide import impact

HIGH_BITS = np.uint64(0x8080808080808080)


@intrinsic
def _eight_bytes(typing: Any, data: Any, p: Any) -> Any:
    """data[p:p + 8] as a uint64, low byte first."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        address = context.make_array(signature.args[0])(context, builder, args[0]).data
        return builder.load(builder.bitcast(builder.gep(address, [args[1]]), ir.IntType(64).as_pointer()), align=1)

    return types.uint64(data, types.int64), generate


@inlined
def _groups(word):
    """The groups of seven bits of a varint's bytes, pushed together; the top bits of the bytes are 0."""
    groups = (word & np.uint64(0x007F007F007F007F)) | ((word & np.uint64(0x7F007F007F007F00)) >> np.uint64(1))
    groups = (groups & np.uint64(0x00003FFF00003FFF)) | ((groups & np.uint64(0x3FFF00003FFF0000)) >> np.uint64(2))
    return np.int64((groups & np.uint64(0x000000000FFFFFFF)) | ((groups & np.uint64(0x0FFFFFFF00000000)) >> np.uint64(4)))


@inlined
def _read_varint(data, p):
    """(value below 2^56, place after it); reads up to 8 bytes from p on."""
    word = np.uint64(_eight_bytes(data, p))
    ends = ~word & HIGH_BITS
    return _groups(word & (ends ^ (ends - np.uint64(1))) & ~HIGH_BITS), p + (trailing_zeros(ends) >> 3) + 1


@inlined
def next_posting(data, p, next_doc):
    """(document, code, place after it) of the posting at data[p:], when ``next_doc`` is the document after the last one."""
    value, p = _read_varint(data, p)
    code = np.int64(1)
    if value & 1:
        code, p = _read_varint(data, p)
    return next_doc + (value >> 1), code, p


@inlined
def decode_rare(segment, scratch, mask, start, end, weight, term_class, to):
    """Decode the end - start postings at rare[start:] to documents and impacts at ``to`` of the scratch, those accepted only; their end."""
    last = to + end - start
    _decode_codes(u8_at(segment, RARE), np.int64(start), i32_at(scratch, RARE_DOCS), i32_at(scratch, RARE_IMPACTS), to, last)
    _weigh(segment, scratch, weight, term_class, to, last)
    if len(mask) > 0 or len(u8_at(segment, LIVE)) > 0:
        return _keep_accepted(segment, scratch, mask, to, last)
    return last


@inlined
def _decode_codes(rare, p, docs, codes, to, last):
    """docs[to:last] and codes[to:last] of the list at rare[p:]. A posting of at most 8 bytes, which is nearly every one, takes no branch."""
    doc, one = np.int64(-1), np.uint64(1)
    for i in range(to, last):
        word = np.uint64(_eight_bytes(rare, p))
        more = word & one
        ends = ~word & HIGH_BITS
        second = ends & (ends - one)
        if more and second == 0:
            doc, code, p = next_posting(rare, p, doc + 1)
        else:
            inside = ends ^ (ends - one)  # the bits up to the end of the first varint
            doc += (_groups(word & inside & ~HIGH_BITS) >> 1) + 1
            rest = word & (second ^ (second - one)) & ~inside & ~HIGH_BITS & (np.uint64(0) - more)
            code = _groups(rest >> np.uint64((trailing_zeros(ends) + 1) & 63)) + np.int64(one - more)
            p += (trailing_zeros(ends ^ ((ends ^ second) & (np.uint64(0) - more))) >> 3) + 1
        docs[i] = doc
        codes[i] = code


@inlined
def _weigh(segment, scratch, weight, term_class, to, last):
    """Replace the codes at to:last of RARE_IMPACTS by what the postings give."""
    docs, impacts = i32_at(scratch, RARE_DOCS), i32_at(scratch, RARE_IMPACTS)
    lengths = word_at(segment, NUM_LENGTHS)
    shares, length_codes = f32_at(segment, SHARES)[term_class * CODES * lengths :], u16_at(segment, LENGTH_CODES)
    for i in range(to, last):
        code = np.int64(impacts[i])
        if lengths > 0 and code < EXCEPTION:
            share = shares[code * lengths + np.int64(length_codes[docs[i]])]
        else:
            share = code_share(segment, code, np.int64(docs[i]), term_class)
        impacts[i] = impact(weight, share)


@inlined
def _keep_accepted(segment, scratch, mask, to, last):
    docs, impacts = i32_at(scratch, RARE_DOCS), i32_at(scratch, RARE_IMPACTS)
    kept = to
    for i in range(to, last):
        docs[kept] = docs[i]
        impacts[kept] = impacts[i]
        kept += np.int64(accepted(segment, mask, np.int64(docs[i])))
    return kept
