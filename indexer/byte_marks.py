"""64 bytes at a time: what kernels share that look for bytes in long runs of them.

Marks are a uint64 whose bit i tells of byte i. Both read 64 bytes from ``at``, which the caller must know to be there. LLVM makes one comparison of
each with AVX-512, two with AVX2, and what a machine has elsewhere.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from indexer.vectors import everywhere

WIDTH = 64


def _load(context: Any, builder: Any, array_type: Any, array: Any, at: Any) -> Any:
    """The vector of 64 bytes of a uint8 array from a place on."""
    pointer = context.make_array(array_type)(context, builder, array).data
    vector = ir.VectorType(ir.IntType(8), WIDTH)
    return builder.load(builder.bitcast(builder.gep(pointer, [at]), vector.as_pointer()), align=1)


@intrinsic
def equal_marks(typing: Any, data: Any, at: Any, byte: Any) -> Any:
    """Marks of the bytes that are ``byte``."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        found = _load(context, builder, signature.args[0], args[0], args[1])
        return builder.bitcast(builder.icmp_unsigned("==", found, everywhere(builder, args[2], WIDTH)), ir.IntType(64))

    return types.uint64(data, types.int64, types.uint8), generate


@intrinsic
def top_marks(typing: Any, data: Any, at: Any) -> Any:
    """Marks of the bytes from 128 up."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        found = _load(context, builder, signature.args[0], args[0], args[1])
        zeros = ir.Constant(found.type, [0] * WIDTH)
        return builder.bitcast(builder.icmp_signed("<", found, zeros), ir.IntType(64))

    return types.uint64(data, types.int64), generate


@intrinsic
def count_marks(typing: Any, marks: Any) -> Any:
    """How many bits of a uint64 are set."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        i64 = ir.IntType(64)
        function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(i64, [i64]), "llvm.ctpop.i64")
        return builder.call(function, [args[0]])

    return types.int64(types.uint64), generate
