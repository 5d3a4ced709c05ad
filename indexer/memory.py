"""Memory that was freed, given back to the system.

The C library keeps freed arrays for those that follow. Between the steps of a build, which need arrays of other sizes, that is a third of its peak.
"""

import ctypes

_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # of glibc; others keep less


def give_back() -> None:
    """Return what is free. Costs a millisecond or so."""
    if _trim is not None:
        _trim(0)
