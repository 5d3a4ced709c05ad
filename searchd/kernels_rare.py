"""The lists of rare terms, decoded once a query into documents and impacts.

See ``indexer/postings_rare.py`` for the bytes. Eight of them are read at once and the varint's groups of seven bits pushed together, without
a branch for its length, which no processor could predict.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from indexer.jit import inlined, kernel
from searchd.kernels_bits import i32_at, trailing_zeros, u8_at
from searchd.kernels_layout import RARE, RARE_DOCS, RARE_IMPACTS
from searchd.kernels_postings import accepted, code_share
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
def _read_varint(data, p):
    """(value below 2^56, place after it); reads up to 8 bytes from p on."""
    word = np.uint64(_eight_bytes(data, p))
    ends = ~word & HIGH_BITS
    groups = word & (ends ^ (ends - np.uint64(1))) & ~HIGH_BITS
    groups = (groups & np.uint64(0x007F007F007F007F)) | ((groups & np.uint64(0x7F007F007F007F00)) >> np.uint64(1))
    groups = (groups & np.uint64(0x00003FFF00003FFF)) | ((groups & np.uint64(0x3FFF00003FFF0000)) >> np.uint64(2))
    groups = (groups & np.uint64(0x000000000FFFFFFF)) | ((groups & np.uint64(0x0FFFFFFF00000000)) >> np.uint64(4))
    return np.int64(groups), p + (trailing_zeros(ends) >> 3) + 1


@inlined
def next_posting(data, p, next_doc):
    """(document, code, place after it) of the posting at data[p:], when ``next_doc`` is the document after the last one."""
    value, p = _read_varint(data, p)
    code = np.int64(1)
    if value & 1:
        code, p = _read_varint(data, p)
    return next_doc + (value >> 1), code, p


@kernel
def decode_rare(segment, scratch, mask, start, end, weight, term_class, to):
    """Decode the end - start postings at rare[start:] to documents and impacts at ``to`` of the scratch, those accepted only; their end."""
    rare = u8_at(segment, RARE)
    docs, impacts = i32_at(scratch, RARE_DOCS), i32_at(scratch, RARE_IMPACTS)
    p, doc = np.int64(start), np.int64(-1)
    for _ in range(end - start):
        doc, code, p = next_posting(rare, p, doc + 1)
        if accepted(segment, mask, doc):
            docs[to] = doc
            impacts[to] = impact(weight, code_share(segment, code, doc, term_class))
            to += 1
    return to
