"""Arrays, and tuples of them, whose references kernels need not count.

Numba counts references to an array at every function that is copied into a loop and at every way out of it, with atomic instructions: in the loop
over runs of Chinese that took a third of the time. A borrowed array has no count; whoever lends it must keep it until the kernel returns, which a
caller does for its arguments.
"""

from typing import Any

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic


def _uncounted(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    """The value with every array in it uncounted, tuples in tuples too."""
    if isinstance(kind, types.BaseTuple):
        parts: tuple[Any, ...] = kind.types  # type: ignore[attr-defined]
        for i, part in enumerate(parts):
            value = builder.insert_value(value, _uncounted(context, builder, part, builder.extract_value(value, i)), i)
    elif isinstance(kind, types.Array):
        found = context.make_array(kind)(context, builder, value)
        found.meminfo = cgutils.get_null_value(found.meminfo.type)
        found.parent = cgutils.get_null_value(found.parent.type)
        value = found._getvalue()
    return value


@intrinsic
def borrowed(typing: Any, lent: Any) -> Any:
    """The same array, or tuple (named or not) of arrays and numbers, without a count of references."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _uncounted(context, builder, signature.args[0], args[0])

    return lent(lent), generate
