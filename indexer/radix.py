"""The order of whole numbers by counting: stable, a pass over them for each eleven bits of the largest (LSD radix sort; Knuth, TAOCP 5.2.5)."""

import numpy as np

from indexer.jit import kernel

_BITS = 11


def stable_order(keys: np.ndarray) -> np.ndarray:
    """Places of ``keys`` uint32[n] by rising key, equal ones in the order they have, int32[n]."""
    order: np.ndarray = np.arange(len(keys), dtype=np.int32)
    other = np.empty_like(order)
    for shift in range(0, int(keys.max(initial=0)).bit_length(), _BITS):
        _distribute(keys, order, shift, other)
        order, other = other, order
    return order


@kernel
def _distribute(keys, order, shift, out):
    """Put ``order`` in order of eleven bits of the keys."""
    starts = np.zeros((1 << _BITS) + 1, np.int64)
    for i in range(len(keys)):
        starts[(keys[i] >> shift & ((1 << _BITS) - 1)) + 1] += 1
    for digit in range(1 << _BITS):
        starts[digit + 1] += starts[digit]
    for i in range(len(order)):
        digit = keys[order[i]] >> shift & ((1 << _BITS) - 1)
        out[starts[digit]] = order[i]
        starts[digit] += 1
