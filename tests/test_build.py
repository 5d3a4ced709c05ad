"""A build publishes all or nothing, accounts for every record, and writes the same bytes however it is run."""

import hashlib
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from shared_data import shared

from indexer.batches import Batch, Feed, Job, Room, invert_all, invert_batch
from indexer.build import NothingIndexed, TooManyBad, build, chunk_bytes, room_for_runs
from indexer.documents import BadDocument
from indexer.home import Home
from indexer.index import Index, verify
from indexer.plain_records import are_plain
from indexer.publish import IndexLocked, writer_lock
from indexer.quarantine import entry
from indexer.readers.chunk import SourceError
from indexer.readers.jsonl import LinesChunk
from indexer.schema import Field, Schema
from indexer.updates import remove, update

SCHEMA = Schema("id", (Field("title", "text", 2.0, analyzer="whitespace"), Field("year", "integer")))
WORDS = [f"w{i}" for i in range(50)]


def record(i):
    return {"id": f"k{i}", "title": " ".join(WORDS[(i * j) % 50] for j in range(1, 2 + i % 17)), "year": 1900 + i % 100}


def write(path, records):
    path.write_text("".join(line if isinstance(line, str) else json.dumps(line) + "\n" for line in records))
    return str(path)


def files_of(home):
    folder = home.index / home.current.read_text().strip()
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_every_record_is_accounted_for(tmp_path):
    home = Home.at(tmp_path / "home")
    records = [record(i) for i in range(100)] + ["not json\n", "{}\n", {"id": "x", "year": "many"}, record(3), record(3), "\n"]
    report = build(home, [write(tmp_path / "a.jsonl", records)], SCHEMA)
    assert (report.read, report.indexed, report.quarantined, report.duplicates) == (105, 100, 3, 2)
    assert report.reasons == {"invalid_integer": 1, "invalid_json": 1, "missing_id": 1}
    entries = [json.loads(line) for line in (home.root / "quarantine.jsonl").read_text().splitlines()]
    assert [(e["line"], e["reason"]) for e in entries] == [(101, "invalid_json"), (102, "missing_id"), (103, "invalid_integer")]
    with Index.open(home) as index:
        assert index.num_docs == 100
        assert index.stored(index.doc("k7")) == record(7)
    assert verify(home) == []


def test_later_documents_win_over_several_sources(tmp_path):
    home = Home.at(tmp_path / "home")
    sources = [write(tmp_path / f"{n}.jsonl", [{"id": "a", "title": n}, {"id": n, "title": "x"}]) for n in ("one", "two")]
    report = build(home, sources, SCHEMA)
    assert (report.read, report.indexed, report.duplicates) == (4, 3, 1)
    with Index.open(home) as index:
        assert index.stored(index.doc("a"))["title"] == "two"


@pytest.mark.parametrize("more", [{}, {"not plain": 0.5}], ids=["threads", "processes"])
def test_the_same_bytes_for_any_number_of_jobs_and_any_memory(tmp_path, more):
    records = [{**record(i), **more} for i in range(6000)] + ["bad\n"] + [record(i) for i in range(0, 6000, 7)]
    source = write(tmp_path / "a.jsonl", records)
    reports, contents, quarantines = [], [], []
    for name, jobs, memory in (("one", 1, 1 << 30), ("two", 2, 1 << 20), ("small", 1, 1 << 20)):
        home = Home.at(tmp_path / name)
        reports.append(build(home, [source], SCHEMA, jobs=jobs, memory=memory)._replace(seconds=0))
        contents.append(files_of(home))
        quarantines.append((home.root / "quarantine.jsonl").read_bytes())
    assert reports[0] == reports[1] == reports[2]
    assert contents[0] == contents[1] == contents[2]
    assert quarantines[0] == quarantines[1] == quarantines[2]


@pytest.mark.parametrize(
    "kind", [*(pytest.param(kind, marks=pytest.mark.slow) for kind in ("json", "tsv")), "csv", "parquet", "sqlite", "folder"]
)
def test_every_kind_of_source_is_read_from_several_processes(tmp_path, kind):
    from test_sources import write_as

    source = write_as(tmp_path, kind, [{"id": f"k{i}", "title": f"t{i} " + "word " * 40} for i in range(2000)])
    homes = [Home.at(tmp_path / name) for name in ("one", "two")]
    reports = [build(home, [source], jobs=jobs, memory=1 << 20)._replace(seconds=0) for home, jobs in zip(homes, (1, 2))]
    assert reports[0] == reports[1]
    assert reports[0].indexed == 2000
    assert files_of(homes[0]) == files_of(homes[1])


@pytest.mark.slow
def test_the_same_bytes_for_real_text_in_24_builds(tmp_path):
    """Processes, memory (so batches), hash seeds, locales and time zones: one SHA-256."""
    sources = [str(shared(f"retrieval/{name}/docs.jsonl.gz")) for name in ("en-cranfield", "mixed-xquad-en-zh")]
    settings = itertools.product(
        ("1", "2", "4", "8"), ("1MiB", "1GiB", "8GiB"), (("0", "UTC", "C"), ("random", "Asia/Shanghai", "C.UTF-8"))
    )
    found = []
    for jobs, memory, (seed, zone, locale) in settings:
        home = Home.at(tmp_path / "home")
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": locale}
        command = [sys.executable, "-m", "indexer", "build", *sources, "--home", str(home.root), "--jobs", jobs, "--memory", memory]
        subprocess.run(command, env=environment, check=True, capture_output=True)
        found.append(hashlib.sha256(b"".join(data for _, data in sorted(files_of(home).items()))).hexdigest())
        shutil.rmtree(home.root)
    assert len(found) == 24 and len(set(found)) == 1


def test_nothing_good_publishes_nothing_but_tells_why(tmp_path):
    home = Home.at(tmp_path / "home")
    build(home, [write(tmp_path / "a.jsonl", [record(1)])], SCHEMA)
    with pytest.raises(NothingIndexed, match="2 of 2 records are bad"):
        build(home, [write(tmp_path / "b.jsonl", ["x\n", "y\n"])], SCHEMA)
    assert len((home.root / "quarantine.jsonl").read_text().splitlines()) == 2
    assert home.current.read_text() == "g000001\n"
    assert not list(home.index.glob(".staging*"))


def test_inference_without_good_records_names_the_first_bad_one(tmp_path):
    source = write(tmp_path / "a.jsonl", [{"key": "1", "t": "x"}] * 3)
    with pytest.raises(NothingIndexed, match="line 1: the document has no field 'id'.*--id-field"):
        build(Home.at(tmp_path / "home"), [source])


def test_more_bad_records_than_allowed_publish_nothing(tmp_path):
    home = Home.at(tmp_path / "home")
    source = write(tmp_path / "a.jsonl", [record(1), record(2), "x\n"])
    with pytest.raises(TooManyBad, match="--max-quarantined"):
        build(home, [source], SCHEMA, max_quarantined=0.2)
    assert not home.current.exists()
    assert build(home, [source], SCHEMA, max_quarantined=0.5).indexed == 2


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_source_that_breaks_in_the_middle_publishes_nothing(tmp_path, jobs):
    import gzip

    home = Home.at(tmp_path / "home")
    good = write(tmp_path / "a.jsonl", [record(i) for i in range(3000)])
    broken = tmp_path / "b.jsonl.gz"
    broken.write_bytes(gzip.compress(Path(good).read_bytes())[:-100])
    with pytest.raises(SourceError, match="damaged"):
        build(home, [good, str(broken)], SCHEMA, jobs=jobs, memory=1 << 20)
    assert not home.current.exists()
    assert sorted(p.name for p in home.index.iterdir()) == ["LOCK"]


def test_an_empty_source_with_a_schema_is_an_empty_index(tmp_path):
    home = Home.at(tmp_path / "home")
    report = build(home, [write(tmp_path / "a.jsonl", [])], SCHEMA)
    assert (report.read, report.generation) == (0, "g000001")
    assert update(home, [write(tmp_path / "b.jsonl", [record(1)])]).indexed == 1
    with Index.open(home) as index:
        assert index.num_docs == 1


def test_two_writers_at_once_are_refused(tmp_path):
    home = Home.at(tmp_path / "home")
    with writer_lock(home), pytest.raises(IndexLocked):
        build(home, [write(tmp_path / "a.jsonl", [record(1)])], SCHEMA)


def test_inference_sees_late_fields_and_other_sources(tmp_path):
    home = Home.at(tmp_path / "home")
    first = write(tmp_path / "a.jsonl", [{"id": "1", "n": 1}, {"id": "2", "n": 1.5, "late": "word"}])
    (tmp_path / "b.csv").write_text("id,year,t\nx,2001,a b\ny,1999,\n")
    told = []
    report = build(home, [first, str(tmp_path / "b.csv")], on_schema=told.append)
    assert {f.name: f.type for f in report.schema.fields} == {"n": "float", "late": "text", "year": "integer", "t": "text"}
    assert told == [report.schema]
    assert (report.read, report.indexed) == (4, 4)


def test_update_replaces_sets_aside_and_keeps_the_rest(tmp_path):
    home = Home.at(tmp_path / "home")
    build(home, [write(tmp_path / "a.jsonl", [record(i) for i in range(10)])], SCHEMA)
    changes = [
        {"id": "k3", "title": "changed"},
        "bad\n",
        {"id": "new", "title": "x", "year": "x"},
        {"id": "n", "title": "1"},
        {"id": "n", "title": "2"},
    ]
    report = update(home, [write(tmp_path / "b.jsonl", changes)])
    assert (report.read, report.indexed, report.quarantined, report.duplicates) == (5, 2, 2, 1)
    with Index.open(home) as index:
        assert index.num_docs == 11
        assert index.stored(index.doc("k3"))["title"] == "changed"
        assert index.stored(index.doc("n"))["title"] == "2"
    gone = remove(home, ["n", "k1", "nope"])
    assert (gone.deleted, gone.unknown) == (2, ["nope"])
    with pytest.raises(NothingIndexed):
        update(home, [write(tmp_path / "c.jsonl", ["bad\n"])])


def test_chunks_fit_the_memory():
    assert chunk_bytes(1 << 30, 1) == 8 << 20
    assert chunk_bytes(1 << 30, 1024) == chunk_bytes(1, 1) == 256 << 10
    assert chunk_bytes(800 << 20, 2) * 32 * 2 + 3 * (200 << 20) <= 800 << 20


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize(("lines", "per_byte"), [(True, 16), (False, 32)])
def test_runs_wait_in_memory_only_beside_batches_and_a_process(jobs, lines, per_byte):
    assert room_for_runs(1 << 30, jobs, lines) + (200 << 20) + jobs * per_byte * chunk_bytes(1 << 30, jobs) == 1 << 30
    assert room_for_runs(1, jobs, lines) == 0


@pytest.mark.parametrize("jobs", [1, 2])
def test_batches_beyond_the_room_are_saved(tmp_path, jobs):
    lines = [b'{"id": "%d", "title": "a b"}\n' % i for i in range(10, 20)]
    chunks = [LinesChunk("f", 1 + i, 0, line) for i, line in enumerate(lines)]
    job = Job(SCHEMA, None, tmp_path, os.getpid(), lines=True)
    size = invert_batch(Batch(0, [], chunks[0], 0), job, Room(1 << 20)).run.nbytes
    found = list(invert_all(Feed(chunks, lambda: 0), job._replace(room=2 * size + 1), jobs))
    assert [one.documents for one in found] == [1] * 10
    saved = [one.run for one in found if isinstance(one.run, Path)]
    assert len(saved) == 8 and (jobs == 2 or not isinstance(found[1].run, Path))
    assert {f.name for f in tmp_path.iterdir()} == {path.name for path in saved}


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([{"id": "1", "title": "a"}] * 9 + [{"id": "2", "title": 0.5}], True),
        ([{"id": "1", "title": "a"}] * 8 + [{"id": "2", "title": 0.5}] * 2, False),
        ([{"id": "1", "title": "a" * (1 << 19)}], True),
        ([{"id": "1", "title": "a" * (1 << 17)}, {"id": "2", "title": 0.5}, *[{"id": "3", "title": {}}] * 9], False),
        ([], True),
    ],
)
def test_the_first_records_tell_whether_kernels_can_read_the_others(lines, expected):
    data = b"\n".join(json.dumps(line).encode() for line in lines)
    assert are_plain(LinesChunk("f", 1, 0, data), SCHEMA) == expected


def test_a_feed_keeps_entries_before_their_chunk_and_errors_for_the_end():
    bad = entry(BadDocument("line_too_long", ""), "f", 1, 0, b"")
    chunk = LinesChunk("f", 2, 9, b"{}\n")

    def chunks():
        yield from (bad, chunk, bad)
        raise SourceError("gone")

    feed = Feed(chunks(), lambda: 5)
    assert [(b.number, b.entries, b.chunk) for b in feed] == [(0, [bad], chunk)]
    assert isinstance(feed.error, SourceError)


def start_build(home, schema, jobs, more):
    """A real build that waits for more on standard input after its first batches; every record has ``more`` as well."""
    command = [
        sys.executable,
        "-m",
        "indexer",
        "build",
        "-",
        "--home",
        str(home.root),
        "--schema",
        str(schema),
        "--jobs",
        str(jobs),
        "--memory",
        "1MiB",
    ]
    # Whoever runs the tests in the background of a shell has SIGINT ignored, and so would the child.
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    process.stdin.write("".join(json.dumps({**record(i), **more, "id": f"new{i}"}) + "\n" for i in range(12_000)).encode())
    process.stdin.flush()
    deadline = time.monotonic() + 60
    while not list(home.index.glob(".staging-*/runs/run-*")):
        assert process.poll() is None and time.monotonic() < deadline, process.stderr.read().decode()
        time.sleep(0.02)
    return process


def descendants(pid):
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += [int(child), *descendants(int(child))]
    return found


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def published(tmp_path):
    home = Home.at(tmp_path / "home")
    build(home, [write(tmp_path / "a.jsonl", [record(i) for i in range(20)])], SCHEMA)
    schema = tmp_path / "schema.toml"
    schema.write_text('[fields.title]\ntype = "text"\nanalyzer = "whitespace"\nweight = 2.0\n[fields.year]\ntype = "integer"\n')
    return home, schema


def _endings():
    """Every signal to a build of several processes, and one to each of the others; the rest is for `make test-all`."""
    builds = {"alone": (1, {}, 0), "threads": (2, {}, 0), "processes": (2, {"not plain": 0.5}, 2)}
    for (name, how), number in itertools.product(builds.items(), (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)):
        fast = name == "processes" or (name, number) in (("alone", signal.SIGTERM), ("threads", signal.SIGINT))
        yield pytest.param(number, *how, marks=() if fast else pytest.mark.slow, id=f"{number.name}-{name}")


@pytest.mark.parametrize(("number", "jobs", "more", "processes"), list(_endings()))
def test_an_ended_build_leaves_the_published_generation_answering(published, number, jobs, more, processes):
    home, schema = published
    before = files_of(home)
    process = start_build(home, schema, jobs, more)
    workers = descendants(process.pid)
    assert len(workers) >= processes and (processes or not workers)
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # as Ctrl-C does: the whole group
    else:
        process.send_signal(number)
    _, stderr = process.communicate(timeout=30)
    if number != signal.SIGKILL:
        assert process.returncode == 1
        assert stderr.decode().splitlines()[-1].startswith("error: interrupted")
        assert "Traceback" not in stderr.decode()
        assert not list(home.index.glob(".staging*"))
    assert files_of(home) == before
    with Index.open(home) as index:
        assert (index.generation, index.num_docs) == ("g000001", 20)
    deadline = time.monotonic() + 10
    while any(map(is_running, workers)):
        assert time.monotonic() < deadline, "workers outlive their owner"
        time.sleep(0.05)
    assert build(home, [str(schema.parent / "a.jsonl")], SCHEMA).generation == "g000002"
    assert sorted(p.name for p in home.index.iterdir()) == ["CURRENT", "HISTORY", "LOCK", "g000001", "g000002"]
    assert [p.name for p in home.root.iterdir() if p.name.startswith(".")] == []


@pytest.mark.slow
def test_kill_at_random_moments(published, tmp_path):
    home, schema = published
    source = write(tmp_path / "b.jsonl", [{**record(i), "id": f"new{i}"} for i in range(5000)])
    command = [sys.executable, "-m", "indexer", "build", source, "--home", str(home.root), "--schema", str(schema), "--jobs", "2"]
    started = time.monotonic()
    subprocess.run(command, check=True, capture_output=True)
    whole = time.monotonic() - started
    for step in range(10):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(whole * (0.3 + 0.075 * step))
        process.kill()
        process.wait()
        assert verify(home) == []
        with Index.open(home) as index:
            assert index.num_docs == 5000
