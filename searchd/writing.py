"""``python -m searchd.writing HOME``: a process that publishes changes of documents for a server, which stays free to answer searches meanwhile.

Changing documents is Python as well as kernels, and Python holds its lock: beside it every search of the same process waits. So a server hands
changes over by pipes: frames of JSON, each behind its length in eight bytes, little-endian. A request is the number of changes and then each of
them; the answer a ``Reply``. Whoever asks ends the process by closing its standard input.
"""

import os
import sys
import tempfile
from pathlib import Path
from typing import IO

import msgspec

from indexer.changes import Change, apply_all
from indexer.documents import BadDocument
from indexer.errors import SearchdError
from indexer.home import Home
from indexer.index import Index
from searchd.logs import log_to_stderr
from searchd.warm_changes import warm_changes

NICENESS = 5  # below searches, above merges
_LENGTH = 8


class Reply(msgspec.Struct):
    """What became of changes: the generation they are in, or an error: its class (``document``, ``searchd``, ``system``), code and message."""

    generation: str = ""
    error: str = ""
    code: str = ""
    message: str = ""


def write_frame(stream: IO[bytes], data: bytes) -> None:
    """Append one frame; the caller flushes."""
    stream.write(len(data).to_bytes(_LENGTH, "little"))
    stream.write(data)


def read_frame(stream: IO[bytes]) -> bytes | None:
    """The next frame; None where the stream ends, also in the middle of one."""
    head = stream.read(_LENGTH)
    size = int.from_bytes(head, "little")
    data = stream.read(size) if len(head) == _LENGTH else b""
    return data if len(head) == _LENGTH and len(data) == size else None


def main(home: Home, requests: IO[bytes], replies: IO[bytes]) -> None:
    """Publish what is asked for until ``requests`` ends. The first answer waits for the kernels."""
    with tempfile.TemporaryDirectory(prefix="searchd-") as folder:
        warm_changes(Path(folder), whole=False)
    index: Index | None = None
    while (head := read_frame(requests)) is not None:
        frames = [read_frame(requests) for _ in range(msgspec.json.decode(head, type=int))]
        if None in frames:
            return
        reply, index = _published(home, [msgspec.json.decode(frame or b"", type=Change) for frame in frames], index)
        write_frame(replies, msgspec.json.encode(reply))
        replies.flush()


def _published(home: Home, changes: list[Change], index: Index | None) -> tuple[Reply, Index | None]:
    """What became of the changes, and the index as far as it was open before: the next change reads no segment anew."""
    try:
        index = Index.open(home, older=index)
        return Reply(apply_all(home, changes, index)), index
    except BadDocument as error:
        return Reply(error="document", code=error.code, message=str(error)), index
    except SearchdError as error:
        return Reply(error="searchd", code=error.code, message=str(error)), index
    except OSError as error:
        return Reply(error="system", code=str(error.errno or 0), message=error.strerror or str(error)), index


if __name__ == "__main__":
    log_to_stderr()
    os.nice(NICENESS)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what anything prints must not end up between the frames
    main(Home(Path(sys.argv[1])), sys.stdin.buffer, answers)
