"""What Numba does not offer and LLVM does: bit casts, bit counts, a vector comparison, arrays at an address.

The vector is 64 lanes of 16 bits in plain LLVM IR, so every processor runs it: two compares with AVX-512, a few more instructions without.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import carray, types
from numba.core import cgutils
from numba.extending import intrinsic

from indexer.jit import inlined
from indexer.swar import trailing_zeros
from indexer.vectors import LANES, equal_lanes, everywhere, lanes_at, marks_of

ALL = np.uint64(0xFFFFFFFFFFFFFFFF)


@intrinsic
def bits_of(typing: Any, x: Any) -> Any:
    """The bits of a float32 as uint32; for floats >= 0 they sort as the floats do."""
    return types.uint32(types.float32), lambda context, builder, signature, args: builder.bitcast(args[0], ir.IntType(32))


@intrinsic
def float_of(typing: Any, bits: Any) -> Any:
    """The float32 that has these bits."""
    return types.float32(types.uint32), lambda context, builder, signature, args: builder.bitcast(args[0], ir.FloatType())


@intrinsic
def _equal_docs(typing: Any, packed: Any, p: Any, doc: Any) -> Any:
    """Which of packed[p:p + 64] have the document ``doc`` in their low 12 bits, as a mask of 64 bits."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        postings = lanes_at(context, builder, signature.args[0], args[0], args[1])
        docs = builder.and_(postings, ir.Constant(postings.type, [4095] * LANES))
        return marks_of(builder, equal_lanes(builder, docs, args[2]))

    return types.uint64(packed, types.int64, types.uint16), generate


@intrinsic
def reaching(typing: Any, values: Any, p: Any, least: Any) -> Any:
    """Which of the int32 values[p:p + 64] are at least ``least``, as a mask of 64 bits."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        found = lanes_at(context, builder, signature.args[0], args[0], args[1])
        return marks_of(builder, builder.icmp_signed(">=", found, everywhere(builder, args[2], LANES)))

    return types.uint64(values, types.int64, types.int32), generate


@inlined
def find_doc(packed, start, end, offset):
    """Position of the posting of a document of the superblock in packed[start:end], or -1; reads up to 63 postings past the end.

    The range is halved down to 64 postings without a branch on what is read, which no processor could predict; those are compared at once.
    """
    first, length = start, end - start
    while length > LANES:
        half = length >> 1
        first += half * np.int64((packed[np.uint64(first + half)] & np.uint16(4095)) <= offset)
        length -= half
    equal = _equal_docs(packed, first, np.uint16(offset))
    equal &= ALL >> np.uint64((LANES - length) & (LANES - 1)) if length > 0 else np.uint64(0)
    return first + trailing_zeros(equal) if equal else np.int64(-1)


@intrinsic
def equal_ends(typing: Any, data: Any, p: Any, first: Any, q: Any, last: Any) -> Any:
    """Which j < 64 have data[p + j] == first and data[q + j] == last, as a mask of 64 bits."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def equal(place: Any, byte: Any) -> Any:
            return equal_lanes(builder, lanes_at(context, builder, signature.args[0], args[0], place), byte)

        return marks_of(builder, builder.and_(equal(args[1], args[2]), equal(args[3], args[4])))

    return types.uint64(data, types.int64, types.uint8, types.int64, types.uint8), generate


@intrinsic
def prefetch(typing: Any, data: Any, p: Any) -> Any:
    """Ask for the cache line of data[p], which need not exist."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        i32, pointer = ir.IntType(32), ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [pointer, i32, i32, i32])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        address = context.make_array(signature.args[0])(context, builder, args[0]).data
        place = builder.bitcast(builder.gep(address, [args[1]]), pointer)
        builder.call(function, [place, *(ir.Constant(i32, value) for value in (0, 3, 1))])  # to read, into every cache, data
        return context.get_dummy_value()

    return types.none(data, types.int64), generate


@intrinsic
def _pointer(typing: Any, address: Any, dtype: Any) -> Any:
    """An integer as a pointer to elements of ``dtype``."""
    result = types.CPointer(dtype.dtype)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], context.get_value_type(signature.return_type))

    return result(types.int64, dtype), generate


@intrinsic
def words_of(typing: Any, descriptor: Any) -> Any:
    """A descriptor int64[n] as a pointer to its words: one argument of a kernel instead of the seven that an array is."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return context.make_array(signature.args[0])(context, builder, args[0]).data

    return types.CPointer(types.int64)(descriptor), generate


@intrinsic
def word_at(typing: Any, words: Any, slot: Any) -> Any:
    """A word of a descriptor. Nothing that a kernel does changes one, so it need not be read again after every store."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = signature.args[0]
        pointer = context.make_array(kind)(context, builder, args[0]).data if isinstance(kind, types.Array) else args[0]
        word = builder.load(builder.gep(pointer, [args[1]]))
        word.set_metadata("invariant.load", builder.module.add_metadata([]))
        return word

    return types.int64(words, types.int64), generate


def _view(dtype: Any) -> Callable[..., Any]:
    @inlined
    def view(words, slot):
        return carray(_pointer(word_at(words, slot), dtype), (word_at(words, slot + 1),))

    return view


# An array whose address and length stand at ``slot`` of a descriptor; nothing checks them, and the owner must keep the array alive.
u8_at, u16_at, u32_at, u64_at = _view(np.uint8), _view(np.uint16), _view(np.uint32), _view(np.uint64)
i32_at, i64_at, f32_at, f64_at = _view(np.int32), _view(np.int64), _view(np.float32), _view(np.float64)
