"""What kernels share that write vector instructions themselves, where LLVM would not find them."""

from typing import Any

from llvmlite import ir


def everywhere(builder: Any, value: Any, lanes: int) -> Any:
    """A vector with one value in all of its ``lanes``."""
    i32 = ir.IntType(32)
    undefined = ir.Constant(ir.VectorType(value.type, lanes), ir.Undefined)
    first = builder.insert_element(undefined, value, ir.Constant(i32, 0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(i32, lanes), [0] * lanes))
