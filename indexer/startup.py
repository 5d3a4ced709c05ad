"""What a short program need not do at its start and at its end: half a second of one and a third for a build of one document.

Imports and kernels are a million objects that live as long as the process: the collector of garbage shall not walk through them again and again,
least of all when the process ends and its memory goes back as a whole.
"""

import atexit
import gc
import sys
from functools import cache

_OBJECTS = 50_000  # made between two collections, instead of 700


@cache
def collect_rarely() -> None:
    """Take everything that is there for permanent, and at the end all there is."""
    gc.freeze()
    gc.set_threshold(_OBJECTS)
    atexit.register(gc.freeze)


def without_blas() -> None:
    """Have Numba pass over SciPy's linear algebra, which takes a sixth of a second to import, since no kernel of ours multiplies matrices.

    From then on this process compiles no kernel that does. Where SciPy's is there already, nothing changes.
    """
    if "scipy.linalg" in sys.modules:
        return
    sys.modules["scipy.linalg"] = None  # type: ignore[assignment]
    try:
        import numba.np.arraymath  # noqa: F401 - asks for it once, while it is imported
    finally:
        del sys.modules["scipy.linalg"]
