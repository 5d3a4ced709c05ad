"""Arrays whose references kernels need not count.

Numba counts references to an array at every function that is copied into a loop and at every way out of it, with atomic instructions: in the loop
over runs of Chinese that took a third of the time. A borrowed array has no count; whoever lends it must keep it until the kernel returns, which a
caller does for its arguments.
"""

from typing import Any

from numba.core import cgutils
from numba.extending import intrinsic


@intrinsic
def borrowed(typing: Any, array: Any) -> Any:
    """The same array without a count of references."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        found = context.make_array(signature.args[0])(context, builder, args[0])
        found.meminfo = cgutils.get_null_value(found.meminfo.type)
        found.parent = cgutils.get_null_value(found.parent.type)
        return found._getvalue()

    return array(array), generate
