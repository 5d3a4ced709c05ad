"""Eight bytes at a time ("SIMD within a register"): what byte kernels share.

A *word* is eight bytes of an array as one little-endian uint64, so its lowest byte is the first. Tests for bytes of a kind return their top bits;
only the lowest mark is certain, which is all that a scan for the first one needs (Warren, Hacker's Delight, 6-1). Words may reach up to seven bytes
beyond what is looked at: arrays are padded by ``PADDING`` bytes.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from indexer.jit import inlined

PADDING = 16
_ONES = np.uint64(0x0101010101010101)
TOPS = np.uint64(0x8080808080808080)
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)


@intrinsic
def word_at(typing: Any, data: Any, at: Any) -> Any:
    """The eight bytes of a uint8 array from ``at``, uint64."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = context.make_array(signature.args[0])(context, builder, args[0]).data
        address = builder.bitcast(builder.gep(pointer, [args[1]]), ir.IntType(64).as_pointer())
        return builder.load(address, align=1)

    return types.uint64(data, types.int64), generate


@intrinsic
def put_word(typing: Any, data: Any, at: Any, word: Any) -> Any:
    """Write eight bytes into a uint8 array at ``at``."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = context.make_array(signature.args[0])(context, builder, args[0]).data
        builder.store(args[2], builder.bitcast(builder.gep(pointer, [args[1]]), ir.IntType(64).as_pointer()), align=1)
        return context.get_dummy_value()

    return types.void(data, types.int64, types.uint64), generate


@intrinsic
def prefetch(typing: Any, rows: Any, row: Any) -> Any:
    """Ask for the line of memory where rows[row] begins, before it is needed; ``rows`` is of any layout, its first axis counts."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, args[0])
        i8, i32 = ir.IntType(8).as_pointer(), ir.IntType(32)
        stride = builder.extract_value(array.strides, 0)
        address = builder.gep(builder.bitcast(array.data, i8), [builder.mul(args[1], stride)])
        function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(ir.VoidType(), [i8, i32, i32, i32]), "llvm.prefetch.p0i8")
        builder.call(function, [address, ir.Constant(i32, 0), ir.Constant(i32, 3), ir.Constant(i32, 1)])
        return context.get_dummy_value()

    return types.void(rows, types.int64), generate


@intrinsic
def trailing_zeros(typing: Any, x: Any) -> Any:
    """Number of the lowest set bit of a uint64; 64 for 0."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        i64, i1 = ir.IntType(64), ir.IntType(1)
        function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(i64, [i64, i1]), "llvm.cttz.i64")
        return builder.call(function, [args[0], ir.Constant(i1, 0)])

    return types.int64(types.uint64), generate


@inlined
def first_mark(marks):
    """Place, 0 to 7, of the first byte that is marked; 8 when none is."""
    return trailing_zeros(marks) >> 3


@inlined
def marks_below(word, limit):
    """Marks of the bytes below ``limit`` (1 to 128)."""
    return (word - _ONES * np.uint64(limit)) & ~word & TOPS


@inlined
def marks_from(word, limit):
    """Marks of the bytes from ``limit`` (1 to 127) up, all of them where the bytes are ASCII."""
    return (word + _ONES * np.uint64(0x80 - limit)) & TOPS


@inlined
def marks_equal(word, byte):
    """Marks of the bytes that are ``byte`` (0 to 255)."""
    difference = word ^ (_ONES * np.uint64(byte))
    return (difference - _ONES) & ~difference & TOPS


@inlined
def first_bytes(word, count):
    """The word with all but its first ``count`` bytes (0 to 8) set to zero."""
    return word if count >= 8 else word & ~(_ALL << np.uint64(8 * count))
