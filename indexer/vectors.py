"""What kernels share that write vector instructions themselves, where LLVM would not find them.

Marks are a uint64 whose bit i tells of lane i of ``LANES``. LLVM makes one comparison of 64 bytes with AVX-512, two with AVX2, and what a machine has
elsewhere.
"""

from typing import Any

from llvmlite import ir

LANES = 64


def everywhere(builder: Any, value: Any, lanes: int) -> Any:
    """A vector with one value in all of its ``lanes``."""
    i32 = ir.IntType(32)
    undefined = ir.Constant(ir.VectorType(value.type, lanes), ir.Undefined)
    first = builder.insert_element(undefined, value, ir.Constant(i32, 0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(i32, lanes), [0] * lanes))


def lanes_at(context: Any, builder: Any, kind: Any, array: Any, place: Any) -> Any:
    """The vector of ``LANES`` neighbouring elements of an array, from ``place`` on, all of which the caller must know to be there."""
    data = context.make_array(kind)(context, builder, array).data
    vector = ir.VectorType(data.type.pointee, LANES)
    return builder.load(builder.bitcast(builder.gep(data, [place]), vector.as_pointer()), align=kind.dtype.bitwidth // 8)


def equal_lanes(builder: Any, lanes: Any, value: Any) -> Any:
    """In which lanes ``value`` is: a vector of bits."""
    return builder.icmp_unsigned("==", lanes, everywhere(builder, value, LANES))


def marks_of(builder: Any, bits: Any) -> Any:
    """A vector of ``LANES`` bits as marks."""
    return builder.bitcast(bits, ir.IntType(LANES))
