"""Memory: a build keeps to what it was given, whatever the size of its sources, and a service does not grow with the queries that it has answered."""

import json
import random
import sys

import pytest
from memory import MB, peak_of, pss
from overload import finished, started
from web_home import make_home
from web_server import running_server

BUILD = "import sys; from indexer.cli import main; main(sys.argv[1:])"
# Keeps everything that it has inverted until the end.
GREEDY = (
    "import sys, indexer.build as build; build.room_for_runs = lambda *given: 1 << 40; build.chunk_bytes = lambda *given: 1 << 28\n" + BUILD
)


def made_source(path, documents, new_words=0):
    """Abstracts of 100 words of a language of 50,000, of which a few are most; ``new_words`` of each document are in no other."""
    chance = random.Random(1)
    words = ["".join(chance.choices("abcdefghijklmnoprstuv", k=chance.randint(3, 10))) for _ in range(50_000)]
    shares = [1 / (10 + place) for place in range(len(words))]
    pool = chance.choices(words, shares, k=1_000_000)
    with path.open("w") as file:
        for number in range(documents):
            start = chance.randrange(len(pool) - 110)
            body = " ".join(pool[start : start + 100] + [f"{number:x}q{n}z" for n in range(new_words)])
            title = " ".join(pool[start + 100 : start + 105])
            file.write(json.dumps({"id": str(number), "title": title, "body": body, "tag": f"t{number % 50}"}) + "\n")
    return path


def peak_of_build(folder, source, memory, jobs=2, code=BUILD):
    """MB at the most of a build and its processes."""
    home = folder / f"home-{source.stem}-{memory}-{jobs}-{len(code)}"
    command = [sys.executable, "-c", code, "build", str(source), "--home", str(home), "--memory", f"{memory}MiB", "--jobs", str(jobs)]
    return peak_of(command) / MB


def test_a_small_build_keeps_to_its_memory(tmp_path):
    assert peak_of_build(tmp_path, made_source(tmp_path / "small.jsonl", 2000), 256, 1) <= 1.1 * 256


@pytest.mark.slow
def test_builds_of_all_sizes_keep_to_their_memory(tmp_path):
    small, large = made_source(tmp_path / "small.jsonl", 20_000), made_source(tmp_path / "large.jsonl", 320_000)
    rare = made_source(tmp_path / "rare.jsonl", 100_000, new_words=100)
    peaks = {(memory, one.stem): peak_of_build(tmp_path, one, memory) for memory in (256, 512) for one in (small, large, rare)}
    print({f"{memory} MiB, {name}": round(peak) for (memory, name), peak in peaks.items()})
    assert all(peak <= 1.1 * memory for (memory, _), peak in peaks.items())
    # A test of the test.
    assert peak_of_build(tmp_path, large, 512, code=GREEDY) > 1.1 * 512


@pytest.mark.slow
def test_a_service_does_not_grow_with_the_queries_it_has_answered(tmp_path):
    paths = [f"/v1/search?limit=20&q=list+note+{n}+x{n * 7919}" for n in range(60_000)]
    with running_server(make_home(tmp_path).root, tmp_path) as (base, process):
        sizes = []
        for part in range(4):
            finished(started(base, paths[15_000 * part :], 0, 40.0, connections=8))
            sizes.append(pss(process.pid) / MB)
    print("PSS after each 40 s of distinct queries:", [round(size) for size in sizes], "MB")
    assert sizes[-1] <= sizes[0] + 60
