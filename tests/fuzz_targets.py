"""What reads bytes that somebody else wrote, as functions of bytes: each returns, or raises an error of ours; anything else is a fault.

``tests/test_corpora.py`` runs them on the kept corpora and on mutations of these; ``make fuzz`` runs them under atheris, guided by coverage.
"""

import contextlib
import functools
import io
import sys
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from core_index import build_home, sample  # noqa: E402 - found by the path above

import indexer.format as form  # noqa: E402
from indexer.container import Container  # noqa: E402
from indexer.errors import SearchdError  # noqa: E402
from indexer.index import Index  # noqa: E402
from indexer.readers import array, delimited, jsonl, markup  # noqa: E402
from ranker.events import parse_events  # noqa: E402
from ranker.lightgbm_text import parse_model  # noqa: E402
from searchd.columns import Columns  # noqa: E402
from searchd.filters import parse_filter  # noqa: E402
from searchd.query import parse_query  # noqa: E402

CORPORA = Path(__file__).with_name("corpora")


def query(data: bytes) -> None:
    """What a user types; no text is an error."""
    text = data.decode("utf-8", "replace")[:512]
    parsed = parse_query(text, frozenset(("title", "body", "year")), ("", "en", "zh")[len(data) % 3])
    assert parsed == parse_query(text, frozenset(("title", "body", "year")), ("", "en", "zh")[len(data) % 3])


def filters(data: bytes) -> None:
    """A filter."""
    with contextlib.suppress(SearchdError):
        parse_filter(data.decode("utf-8", "replace")[:4096], _columns())


@functools.cache
def _columns() -> Columns:
    return Columns(Index.open(build_home(Path(tempfile.mkdtemp()), sample(5))))


def model(data: bytes) -> None:
    """A model in LightGBM's text; what is taken has trees whose numbers are all finite."""
    with contextlib.suppress(SearchdError):
        for tree in parse_model(data.decode("utf-8", "replace")).trees:
            assert np.isfinite(tree.values).all() and (tree.features >= 0).all()


def documents(data: bytes) -> None:
    """Documents in each of the formats that are read as streams; the first byte says in which."""
    kind, rest = (data[0] % 6 if data else 0), data[1:]
    with contextlib.suppress(SearchdError):
        if kind >= 4:
            (markup.read_html if kind == 4 else markup.read_markdown)(rest, "name")
            return
        stream = io.BytesIO(rest)
        cuts = (
            lambda: jsonl.cut(stream, "x", 64),
            lambda: array.cut(stream, "x", 64),
            lambda: delimited.cut_csv(stream, "x", 64, "id"),
            lambda: delimited.cut_tsv(stream, "x", 64, "id"),
        )
        for chunk in cuts[kind]():
            if hasattr(chunk, "documents"):
                list(chunk.documents("id"))


def index(data: bytes) -> None:
    """A file of an index, whose outer checksums are put right, so that more than their comparison is tried."""
    with tempfile.NamedTemporaryFile(suffix=".seg") as file:
        file.write(_with_checksums(data))
        file.flush()
        with contextlib.suppress(SearchdError):
            container = Container(Path(file.name))
            for name in container.entries:
                with contextlib.suppress(SearchdError):
                    container.pages(name).all()


def _with_checksums(data: bytes) -> bytes:
    if len(data) < form.HEADER.itemsize + form.FOOTER.itemsize:
        return data
    head, foot = (
        np.frombuffer(part, dtype).copy()
        for part, dtype in ((data[: form.HEADER.itemsize], form.HEADER), (data[-form.FOOTER.itemsize :], form.FOOTER))
    )
    head["crc32"] = zlib.crc32(head.tobytes()[:-4])
    start, size = int(foot["table_offset"][0]), int(foot["table_bytes"][0])
    foot["table_crc32"], foot["file_bytes"] = zlib.crc32(data[start : start + size]), len(data)
    foot["crc32"] = zlib.crc32(foot.tobytes()[:-12])
    return head.tobytes() + data[form.HEADER.itemsize : -form.FOOTER.itemsize] + foot.tobytes()


def events(data: bytes) -> None:
    """A batch of events."""
    with contextlib.suppress(SearchdError):
        parse_events(data)


TARGETS: dict[str, Callable[[bytes], None]] = {
    "query": query, "filters": filters, "model": model, "documents": documents, "index": index, "events": events,
}  # fmt: skip
