"""One door to the disk: who writes without ``indexer.durable`` is named here with the reason, and nobody else does."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted(path for package in ("indexer", "ranker", "searchd") for path in (ROOT / package).rglob("*.py"))

OS = {
    "rename", "renames", "replace", "unlink", "remove", "mkdir", "makedirs", "rmdir", "removedirs", "write", "writev", "pwrite", "truncate", "ftruncate",
    "link", "symlink", "mkfifo", "mknod", "chmod", "fsync", "fdatasync", "fdopen", "sendfile", "copy_file_range", "posix_fallocate",
}  # fmt: skip
METHODS = {
    "write_text", "write_bytes", "touch", "mkdir", "unlink", "rmdir", "rename", "symlink_to", "hardlink_to", "link_to", "chmod", "tofile", "savetxt",
    "save_model", "dump_model", "to_csv", "to_parquet", "write_table", "savefig", "extractall", "open_memmap",
}  # fmt: skip
WHOLE = {"shutil", "tempfile"}
MODE = re.compile("[rwaxcbt+]{1,3}")
READING = {"disk_usage", "which", "gettempdir"}

RUN = "the server's own folder, gone with it"
CACHE = "the user's cache, made again when it is lost"
SQLITE = "SQLite writes its file itself, synchronous=FULL"
SCRATCH = "gone with the process"
ALLOWED = {
    ("indexer/build.py", "tempfile.NamedTemporaryFile"): SCRATCH,
    ("indexer/readers/streams.py", "tempfile.NamedTemporaryFile"): SCRATCH,
    ("indexer/han_tables.py", "mkdir"): CACHE,
    ("indexer/table_cache.py", "chmod"): CACHE,
    ("indexer/jit.py", "mkdir"): CACHE,
    ("indexer/program.py", "os.open"): "the null device",
    ("indexer/scratch.py", "np.memmap"): "reads: its modes are r and c",
    ("ranker/clicks_cli.py", "click.File"): "an output that its user names, or stdout",
    ("ranker/clicklog_schema.py", "sqlite3.connect"): SQLITE,
    ("ranker/session_store.py", "mkdir"): SCRATCH,
    ("ranker/session_store.py", "open"): SCRATCH,
    ("ranker/session_store.py", "tofile"): SCRATCH,
    ("searchd/deadly.py", "mkdir"): RUN,
    ("searchd/deadly.py", "open"): RUN,
    ("searchd/deadly.py", "touch"): RUN,
    ("searchd/deadly.py", "unlink"): RUN,
    ("searchd/doctor.py", "sqlite3.connect"): "looks: read-only, or a copy that is not there",
    ("searchd/keys.py", "sqlite3.connect"): SQLITE,
    ("searchd/tasks.py", "sqlite3.connect"): RUN,
    ("searchd/readiness.py", "touch"): RUN,
    ("searchd/readiness.py", "unlink"): RUN,
    ("searchd/serve.py", "tempfile.mkdtemp"): RUN,
    ("searchd/serve.py", "shutil.rmtree"): RUN,
    ("searchd/serve.py", "mkdir"): RUN,
    ("searchd/service.py", "touch"): RUN,
    ("searchd/service.py", "tempfile.mkdtemp"): RUN,
    ("searchd/service.py", "shutil.rmtree"): RUN,
    ("searchd/warm.py", "mkdir"): SCRATCH,
    ("searchd/warm.py", "tempfile.TemporaryDirectory"): SCRATCH,
    ("searchd/warm_changes.py", "mkdir"): SCRATCH,
    ("searchd/warm_changes.py", "write_bytes"): SCRATCH,
    ("searchd/writing.py", "tempfile.TemporaryDirectory"): SCRATCH,
    ("searchd/writing.py", "os.fdopen"): "a pipe",
}


def writes(source):
    """(line, call) of everything in a source that may write to a disk."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and (name := _writing(node)):
            yield node.lineno, name
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and _of_a_module(node.value.id, node.attr):
            yield node.lineno, f"{node.value.id}.{node.attr}"  # called here or handed on
        if isinstance(node, ast.ImportFrom) and node.module in ("os", "sqlite3", *WHOLE):
            taken = [alias.name for alias in node.names]
            yield from (
                (node.lineno, f"from {node.module} import {name}") for name in taken if node.module != "os" or name in {*OS, "open"}
            )
        if isinstance(node, ast.Import):
            yield from (
                (node.lineno, f"as {alias.asname}") for alias in node.names if alias.asname and alias.name in ("os", "sqlite3", *WHOLE)
            )


def _writing(call):
    """The name of a call if it may write, else None."""
    function, name = call.func, getattr(call.func, "attr", getattr(call.func, "id", ""))
    owner = function.value.id if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) else ""
    full = f"{owner}.{name}" if owner in ("os", "np", "sqlite3", "click", *WHOLE) else name
    if full == "os.open":
        return full if not _only_reads(call.args[1]) else None
    if name in ("open", "open_file", "File", "memmap"):
        return full if any(not _is_mode_to_read(mode) for mode in _modes(call)) or (name == "memmap" and not _modes(call)) else None
    if owner in ("os", *WHOLE):
        return None
    if full == "sqlite3.connect":
        return full if "mode=ro" not in ast.unparse(call) else None
    # The methods of texts, dates and records that are named so want two values, or names.
    if name == "replace" and len(call.args) == 1 and not call.keywords and isinstance(function, ast.Attribute):
        return name
    return full if isinstance(function, ast.Attribute) and (name in METHODS or full.startswith("np.save")) else None


def _of_a_module(module, name):
    return (module == "os" and name in OS) or (module in WHOLE and name not in READING)


def _only_reads(flags):
    names = {node.attr for node in ast.walk(flags) if isinstance(node, ast.Attribute)}
    return bool(names) and names <= {"O_RDONLY", "O_DIRECTORY", "O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK"}


def _modes(call):
    """What may be the mode of a call that opens: short texts, and whatever is called so or stands second in the built-in ``open``."""
    found = [keyword.value for keyword in call.keywords if keyword.arg == "mode"]
    found += [arg for arg in call.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str) and MODE.fullmatch(arg.value)]
    return found + (call.args[1:2] if isinstance(call.func, ast.Name) and call.func.id == "open" else [])


def _is_mode_to_read(mode):
    return isinstance(mode, ast.Constant) and mode.value in ("r", "rb", "rt", "c")


def test_who_writes_to_the_disk_is_known():
    """Everything else goes through the door; and nobody is excused for what he does no more."""
    found = {(str(path.relative_to(ROOT)), call): line for path in MODULES for line, call in writes(path.read_text(encoding="utf-8"))}
    behind = {place: line for place, line in found.items() if place[0] != "indexer/durable.py"}
    assert behind.keys() - ALLOWED.keys() == set(), {f"{p}:{behind[p, c]}": c for p, c in behind.keys() - ALLOWED.keys()}
    assert ALLOWED.keys() - behind.keys() == set()
    assert all(ALLOWED.values())


@pytest.mark.parametrize(
    "source",
    [
        "open(path, 'w')", "open(path, mode='ab')", "open(path, how)", "path.open('x')", "gzip.open(path, 'wt')", "open(path, 'r+b')",
        "os.open(path, os.O_WRONLY | os.O_CREAT)", "os.open(path, flags)", "os.rename(a, b)", "os.replace(a, b)", "os.unlink(a)", "os.mkdir(a)",
        "os.write(fd, data)", "path.write_text(x)", "path.write_bytes(x)", "path.touch()", "path.mkdir()", "path.rename(b)", "path.replace(b)",
        "(a / b).unlink(missing_ok=True)", "shutil.copy(a, b)", "shutil.rmtree(a)", "tempfile.mkstemp()", "np.save(path, x)", "np.savez(path, x)",
        "np.memmap(path, 'u1', mode='w+')", "np.memmap(path)", "x.tofile(file)", "sqlite3.connect(path)", "click.File('w')",
        "from shutil import rmtree", "from os import replace", "import tempfile as t", "booster.save_model(path)",
    ],
)  # fmt: skip
def test_a_write_behind_the_door_is_seen(source):
    assert list(writes(source))


@pytest.mark.parametrize(
    "source",
    [
        "open(path)", "open(path, 'rb')", "path.open(encoding='utf-8')", "os.open(path, os.O_RDONLY | os.O_DIRECTORY)", "text.replace('a', 'b')",
        "replace(record, name=1)", "date.replace(tzinfo=UTC)", "Index.open(home)", "np.memmap(path, 'u1', mode='r')", "os.listdir(a)",
        "sqlite3.connect(f'file:{path}?mode=ro', uri=True)", "shutil.disk_usage(a)", "durable.write_file(path, b'')", "from os import environ",
    ],
)  # fmt: skip
def test_reading_is_free(source):
    assert not list(writes(source))
