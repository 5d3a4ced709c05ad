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


def made_source(path, documents):
    """Abstracts of 100 words of a language of 50,000, of which a few are most."""
    chance = random.Random(1)
    words = ["".join(chance.choices("abcdefghijklmnoprstuv", k=chance.randint(3, 10))) for _ in range(50_000)]
    shares = [1 / (10 + place) for place in range(len(words))]
    pool = chance.choices(words, shares, k=1_000_000)
    with path.open("w") as file:
        for number in range(documents):
            start = chance.randrange(len(pool) - 110)
            body = " ".join(pool[start : start + 100])
            title = " ".join(pool[start + 100 : start + 105])
            file.write(json.dumps({"id": str(number), "title": title, "body": body, "tag": f"t{number % 50}"}) + "\n")
    return path


def peak_of_build(folder, source, memory, jobs=2):
    """MB at the most of a build and its processes."""
    home = folder / f"home-{source.stem}-{memory}-{jobs}"
    command = [sys.executable, "-c", BUILD, "build", str(source), "--home", str(home), "--memory", f"{memory}MiB", "--jobs", str(jobs)]
    return peak_of(command) / MB


def test_a_small_build_keeps_to_its_memory(tmp_path):
    assert peak_of_build(tmp_path, made_source(tmp_path / "small.jsonl", 2000), 256, 1) <= 1.1 * 256


@pytest.mark.slow
def test_builds_keep_to_their_memory(tmp_path):
    sources = [made_source(tmp_path / f"of{count}.jsonl", count) for count in (20_000, 80_000)]
    peaks = {one.stem: peak_of_build(tmp_path, one, 512) for one in sources}
    print({name: round(peak) for name, peak in peaks.items()}, "MB of 512 MiB")
    assert all(peak <= 1.1 * 512 for peak in peaks.values())


def test_memory_of_a_process_and_its_children_is_counted():
    """A test of the tests: 60 MB in a child."""
    child = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; x = [0] * 8_000_000; time.sleep(0.5)'])"
    assert 60 <= peak_of([sys.executable, "-c", child]) / 1e6 <= 120


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
