"""How far a build is, on stderr: the share of the sources' bytes, documents a second, and the time left."""

import sys
from types import TracebackType

from tqdm import tqdm

# A terminal is redrawn; a log file should not fill up.
_TERMINAL_SECONDS, _LOG_SECONDS = 0.2, 10.0
_FORMAT = "{desc} {percentage:3.0f}%|{bar}| [{elapsed}<{remaining}]"


class Progress:
    """A bar over bytes with a count of documents. ``total`` 0: not known, as for standard input."""

    def __init__(self, title: str, total: int, shown: bool = True):
        seconds = _TERMINAL_SECONDS if sys.stderr.isatty() else _LOG_SECONDS
        form = _FORMAT if total else "{desc} [{elapsed}]"
        self._bar = tqdm(
            total=total or None, desc=title, bar_format=form, mininterval=seconds, disable=not shown, file=sys.stderr, dynamic_ncols=True
        )
        self._title, self._documents = title, 0

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None and self._bar.total:
            # Readers that skip ahead, as in Parquet, never say that they reached the end.
            self._bar.update(self._bar.total - self._bar.n)
        self._bar.close()

    def reached(self, consumed: int, documents: int) -> None:
        """``consumed`` bytes in all; ``documents`` more."""
        self._documents += documents
        if self._bar.disable:
            return
        elapsed = self._bar.format_dict["elapsed"] or 1e-9
        speed = f"{self._documents:,} documents, {self._documents / elapsed:,.0f} documents/s"
        self._bar.set_description_str(f"{self._title}: {speed}", refresh=False)
        self._bar.update(min(consumed, self._bar.total or consumed) - self._bar.n)
