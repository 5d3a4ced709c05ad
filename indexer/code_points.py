"""Texts as arrays of code points, and back; surrogates are code points too."""

import numpy as np

from indexer.jit import inlined


def codes_of(text: str) -> np.ndarray:
    """The code points of a text, int32."""
    if text.isascii():
        return np.frombuffer(text.encode(), np.uint8).astype(np.int32)
    return np.array(np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.int32))


def text_of(codes: np.ndarray) -> str:
    """The text of code points, int32."""
    return codes.tobytes().decode("utf-32-le", "surrogatepass")


@inlined
def put_code(code, data, to):
    """Write a code point as UTF-8 at ``to``, surrogates as if they were others; returns the end."""
    if code < 0x80:
        data[to] = code
        return to + 1
    if code < 0x800:
        data[to], data[to + 1] = 0xC0 | code >> 6, 0x80 | (code & 63)
        return to + 2
    if code < 0x10000:
        data[to], data[to + 1], data[to + 2] = 0xE0 | code >> 12, 0x80 | (code >> 6 & 63), 0x80 | (code & 63)
        return to + 3
    data[to], data[to + 1] = 0xF0 | code >> 18, 0x80 | (code >> 12 & 63)
    data[to + 2], data[to + 3] = 0x80 | (code >> 6 & 63), 0x80 | (code & 63)
    return to + 4
