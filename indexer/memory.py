"""Memory that was freed: kept for the next batch of a build, and given back to the system between its steps.

Pages fresh from the system cost more than what is done with them: by itself the C library returns every large array at once, and a batch of
documents spends a fifth of its time on having the same pages again. Between the steps, which need arrays of other sizes, what is kept would
be a third of the peak.
"""

import ctypes

_library = ctypes.CDLL(None)
_trim, _set_option = getattr(_library, "malloc_trim", None), getattr(_library, "mallopt", None)  # of glibc; others keep less
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # names of malloc.h
_LARGEST = 32 << 20  # more than that always comes from the system and goes back


def keep_freed() -> None:
    """From now on this process keeps what it frees until ``give_back``."""
    if _set_option is not None:
        _set_option(_MMAP_THRESHOLD, _LARGEST)
        _set_option(_TRIM_THRESHOLD, 1 << 30)
        _set_option(_ARENA_MAX, 1)  # what one thread frees is for all of them


def give_back() -> None:
    """Return what is free. Costs a millisecond or so."""
    if _trim is not None:
        _trim(0)
