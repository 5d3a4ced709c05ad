"""Whether a search's time is up, as kernels see it: they look at the clock before every superblock but their first.

A superblock is 4,096 documents, of which a query looks into some microseconds' worth, so a kernel ends soon after its time, however large the
collection is. What it has found until then is exact for the documents it has looked at, and it counts those.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from indexer.jit import inlined
from indexer.postings import SUPERBLOCK_BITS
from searchd.kernels_bits import i64_at, word_at
from searchd.kernels_layout import NUM_DOCS, TIME

# Of TIME: when time is up, in nanoseconds of the monotonic clock (0: never); 1 once it was; the documents that were looked at.
UNTIL, STOPPED, SEEN = 0, 1, 2
TIME_WORDS = 3
_MONOTONIC = 1  # CLOCK_MONOTONIC of Linux, which is that of time.perf_counter


@intrinsic
def nanoseconds(typing: Any) -> Any:
    """The monotonic clock, in nanoseconds; a call of the C library that enters no kernel of the system."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        word = ir.IntType(64)
        kind = ir.FunctionType(ir.IntType(32), [ir.IntType(32), word.as_pointer()])
        function = cgutils.get_or_insert_function(builder.module, kind, "clock_gettime")
        time = cgutils.alloca_once(builder, word, size=2)
        builder.call(function, [ir.Constant(ir.IntType(32), _MONOTONIC), time])
        seconds, rest = (builder.load(builder.gep(time, [ir.Constant(word, n)])) for n in (0, 1))
        return builder.add(builder.mul(seconds, ir.Constant(word, 1_000_000_000)), rest)

    return types.int64(), generate


@inlined
def goes_on(scratch):
    """Whether another segment can be looked at; the first always can."""
    time = i64_at(scratch, TIME)
    if time[UNTIL] != 0 and time[SEEN] > 0 and nanoseconds() >= time[UNTIL]:
        time[STOPPED] = 1
    return time[STOPPED] == 0


@inlined
def stops(segment, scratch, superblocks):
    """Whether time is up, after so many of the segment's superblocks, not counting the first; tells how many documents these have."""
    time = i64_at(scratch, TIME)
    if time[UNTIL] == 0 or superblocks == 0 or nanoseconds() < time[UNTIL]:
        return False
    time[STOPPED] = 1
    time[SEEN] += min(np.int64(superblocks) << SUPERBLOCK_BITS, word_at(segment, NUM_DOCS))
    return True


@inlined
def ends(segment, scratch):
    """The segment has been looked at, as far as the time was not up."""
    time = i64_at(scratch, TIME)
    if time[STOPPED] == 0:
        time[SEEN] += word_at(segment, NUM_DOCS)
