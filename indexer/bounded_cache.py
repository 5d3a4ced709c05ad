"""What is computed of a text once, and forgotten with all else when there is too much of it.

Real texts repeat few words often, so that a cache which is emptied now and then finds nearly as much as one that knows what was used last, and a
look-up in it is that of a dictionary.
"""

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class BoundedCache(dict[str, T]):
    """Text -> ``compute(text)``, for at most ``size`` texts of at most ``longest`` characters; of longer ones it is computed every time."""

    def __init__(self, compute: Callable[[str], T], size: int, longest: int) -> None:
        super().__init__()
        self._compute, self._size, self._longest = compute, size, longest

    def __missing__(self, text: str) -> T:
        found = self._compute(text)
        if len(text) <= self._longest:
            if len(self) >= self._size:
                self.clear()
            self[text] = found
        return found
