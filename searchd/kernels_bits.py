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

from indexer.jit import inlined, kernel

LANES = 64
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
def trailing_zeros(typing: Any, x: Any) -> Any:
    """Number of the lowest set bit of a uint64; 64 for 0."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        i64, i1 = ir.IntType(64), ir.IntType(1)
        function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(i64, [i64, i1]), "llvm.cttz.i64")
        return builder.call(function, [args[0], ir.Constant(i1, 0)])

    return types.int64(types.uint64), generate


def _compare_docs(operator: str) -> Any:
    """An intrinsic: which of packed[p:p + 64] have a document in their low 12 bits that compares so with ``doc``, as a mask of 64 bits."""

    @intrinsic
    def compare(typing: Any, packed: Any, p: Any, doc: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            vector, i32 = ir.VectorType(ir.IntType(16), LANES), ir.IntType(32)
            data = context.make_array(signature.args[0])(context, builder, args[0]).data
            address = builder.bitcast(builder.gep(data, [args[1]]), vector.as_pointer())
            docs = builder.and_(builder.load(address, align=2), ir.Constant(vector, [4095] * LANES))
            undefined = ir.Constant(vector, ir.Undefined)
            one = builder.insert_element(undefined, args[2], ir.Constant(i32, 0))
            wanted = builder.shuffle_vector(one, undefined, ir.Constant(ir.VectorType(i32, LANES), [0] * LANES))
            return builder.bitcast(builder.icmp_unsigned(operator, docs, wanted), ir.IntType(64))

        return types.uint64(packed, types.int64, types.uint16), generate

    return compare


_equal_docs, _lower_docs = _compare_docs("=="), _compare_docs("<")


@inlined
def find_doc(packed, start, end, guess, offset):
    """Position of the posting of a document of the superblock in packed[start:end], or -1; reads up to 63 postings past the end.

    The 64 postings around ``guess`` are compared at once, without a branch; only if they prove too far off a search follows.
    """
    first = max(start, min(guess - LANES // 2, end - LANES))
    length = min(np.int64(LANES), end - first)
    equal, lower = _equal_docs(packed, first, np.uint16(offset)), _lower_docs(packed, first, np.uint16(offset))
    inside = ALL >> np.uint64((LANES - length) & (LANES - 1)) if length > 0 else np.uint64(0)
    position = first + trailing_zeros(equal & inside) if equal & inside else np.int64(-1)
    if (lower == 0 and first > start) or (lower == ALL and first + LANES < end):
        position = _search_doc(packed, start, end, offset)
    return position


@kernel
def _search_doc(packed, start, end, offset):
    """The same by bisection."""
    low, high = start, end
    while low < high:
        middle = (low + high) >> 1
        if np.int64(packed[middle] & np.uint16(4095)) < offset:
            low = middle + 1
        else:
            high = middle
    return low if low < end and np.int64(packed[low] & np.uint16(4095)) == offset else np.int64(-1)


@intrinsic
def equal_ends(typing: Any, data: Any, p: Any, first: Any, q: Any, last: Any) -> Any:
    """Which j < 64 have data[p + j] == first and data[q + j] == last, as a mask of 64 bits."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        vector, i32 = ir.VectorType(ir.IntType(8), 64), ir.IntType(32)
        address = context.make_array(signature.args[0])(context, builder, args[0]).data
        undefined = ir.Constant(vector, ir.Undefined)

        def equal(place: Any, byte: Any) -> Any:
            found = builder.load(builder.bitcast(builder.gep(address, [place]), vector.as_pointer()), align=1)
            one = builder.insert_element(undefined, byte, ir.Constant(i32, 0))
            wanted = builder.shuffle_vector(one, undefined, ir.Constant(ir.VectorType(i32, 64), [0] * 64))
            return builder.icmp_unsigned("==", found, wanted)

        return builder.bitcast(builder.and_(equal(args[1], args[2]), equal(args[3], args[4])), ir.IntType(64))

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


def _view(dtype: Any) -> Callable[..., Any]:
    @inlined
    def view(descriptor, slot):
        return carray(_pointer(descriptor[slot], dtype), (descriptor[slot + 1],))

    return view


# An array whose address and length stand at ``slot`` of a descriptor; nothing checks them, and the owner must keep the array alive.
u8_at, u16_at, u32_at, u64_at = _view(np.uint8), _view(np.uint16), _view(np.uint32), _view(np.uint64)
i32_at, i64_at, f32_at, f64_at = _view(np.int32), _view(np.int64), _view(np.float32), _view(np.float64)
