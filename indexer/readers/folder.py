"""A folder of text, Markdown and HTML files, each also compressed: one file is one document, and its relative path is the id."""

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from indexer.documents import BadDocument, Document, check_key
from indexer.quarantine import Entry, entry
from indexer.readers import markup
from indexer.readers.chunk import MAX_RECORD, SourceError
from indexer.readers.streams import BLOCK, open_stream

_READERS = {
    ".txt": markup.read_text,
    ".text": markup.read_text,
    ".md": markup.read_markdown,
    ".markdown": markup.read_markdown,
    ".html": markup.read_html,
    ".htm": markup.read_html,
    ".xhtml": markup.read_html,
}
SUFFIXES = tuple(_READERS)
COMPRESSED = (".gz", ".zst")
_FILE_OVERHEAD = 512


class FilesChunk(NamedTuple):
    """Some files below ``root``, by their relative paths."""

    root: str
    paths: list[str]
    size: int

    def documents(self, id_field: str) -> Iterator[Document | Entry]:
        """Read every file; the fields are title and body."""
        for path in self.paths:
            yield _read_file(Path(self.root), path)


def suffix_of(name: str) -> str:
    """The suffix that tells the format, in lower case, without .gz or .zst."""
    path = PurePosixPath(name.lower())
    return PurePosixPath(path.stem).suffix if path.suffix in COMPRESSED else path.suffix


def cut(root: Path, source: str, chunk_bytes: int) -> Iterator[FilesChunk | Entry]:
    """Groups of files in the order of their relative paths; hidden files and other kinds of files are passed over."""
    paths: list[str] = []
    size = 0
    for path in walk(root, source):
        paths.append(path)
        size += _FILE_OVERHEAD + (root / path).stat().st_size
        if size >= chunk_bytes:
            yield FilesChunk(str(root), paths, size)
            paths, size = [], 0
    if paths:
        yield FilesChunk(str(root), paths, size)


def single(path: Path, source: str) -> Iterator[FilesChunk | Entry]:
    """One text file as a source: its name is the id."""
    yield FilesChunk(str(path.parent), [path.name], _FILE_OVERHEAD + path.stat().st_size)


def walk(root: Path, source: str) -> list[str]:
    """Relative paths of the readable kinds, sorted, so that the order does not depend on the file system."""

    def refuse(error: OSError) -> None:
        raise SourceError(f"{source}: cannot be read ({error.strerror}: {error.filename})") from error

    found = []
    for folder, folders, names in os.walk(root, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        inside = Path(folder).relative_to(root)
        found += [(inside / name).as_posix() for name in names if not name.startswith(".") and suffix_of(name) in _READERS]
    if not found:
        raise SourceError(f"{source}: expected files named {', '.join(SUFFIXES)} (also with .gz, .zst), found none")
    return sorted(path for path in found if (root / path).is_file())


def _read_file(root: Path, path: str) -> Document | Entry:
    raw = b""
    try:
        key = check_key(path)
        _require_inside(root, path)
        raw = _read_bytes(root / path, path)
        name = PurePosixPath(path).name
        stem = PurePosixPath(name.removesuffix(".gz").removesuffix(".zst")).stem
        title, body = _READERS[suffix_of(name)](raw, stem)
        fields = {"title": title, "body": body}
        return Document(key, {name: text for name, text in fields.items() if text}, str(root / path), 1, 0)
    except BadDocument as error:
        return entry(error, str(root / path), 1, 0, raw)


def _require_inside(root: Path, path: str) -> None:
    """Refuse a link that leads out of the folder: whoever may put files there must not publish others of the machine."""
    if (root / path).is_symlink() and not (root / path).resolve().is_relative_to(root.resolve()):
        raise BadDocument("unreadable_file", "a link that leads out of the folder; copy the file, or index the folder that it lies in")


def _read_bytes(path: Path, name: str) -> bytes:
    parts, size = [], 0
    try:
        with open_stream(path, name) as stream:
            while block := stream.read(BLOCK):
                parts.append(block)
                size += len(block)
                if size > MAX_RECORD:
                    raise BadDocument("file_too_large", f"the file has more than {MAX_RECORD >> 20} MiB; split it or leave it out")
    except (SourceError, OSError) as error:
        raise BadDocument("unreadable_file", str(error)) from error
    return b"".join(parts)
