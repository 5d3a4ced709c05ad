"""64 bytes at a time: what kernels share that look for bytes in long runs of them.

Marks, as in ``vectors.py``, are of the 64 bytes from ``at`` on, which the caller must know to be there.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from indexer.vectors import LANES, equal_lanes, lanes_at, marks_of


@intrinsic
def equal_marks(typing: Any, data: Any, at: Any, byte: Any) -> Any:
    """Marks of the bytes that are ``byte``."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return marks_of(builder, equal_lanes(builder, lanes_at(context, builder, signature.args[0], args[0], args[1]), args[2]))

    return types.uint64(data, types.int64, types.uint8), generate


@intrinsic
def top_marks(typing: Any, data: Any, at: Any) -> Any:
    """Marks of the bytes from 128 up."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        found = lanes_at(context, builder, signature.args[0], args[0], args[1])
        return marks_of(builder, builder.icmp_signed("<", found, ir.Constant(found.type, [0] * LANES)))

    return types.uint64(data, types.int64), generate


@intrinsic
def count_marks(typing: Any, marks: Any) -> Any:
    """How many bits of a uint64 are set."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        i64 = ir.IntType(64)
        function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(i64, [i64]), "llvm.ctpop.i64")
        return builder.call(function, [args[0]])

    return types.int64(types.uint64), generate
