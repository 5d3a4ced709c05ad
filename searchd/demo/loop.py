"""The loop, as a user would drive it: every step is one of the project's own commands, printed before it runs.

    documents -> indexer build -> ranker simulate -> ranker train (three families) -> searchd evaluate -> ranker models activate

Half of the judged queries are asked by simulated users and trained on; the other half was never asked, and decides.
"""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson

from indexer.durable import make_folder, write_file
from searchd.demo.corpus import documents

DATA = Path(__file__).resolve().parents[2] / "data" / "demo"
SCHEMA = DATA / "schema.toml"
FAMILIES = ("pointwise", "pairwise", "listwise")
USERS = ("pbm", "cascade", "dbn", "ubm")
SESSIONS = 5000  # of each kind of users
MEASURE = "nDCG@10"


def command(*words: str | Path, quiet: bool = False) -> str:
    """Run one of the project's commands and give back what it printed; its progress goes to the terminal."""
    program, *arguments = map(str, words)
    print(f"\n$ {program} {' '.join(arguments)}", flush=True)
    full = [str(Path(sys.executable).parent / program), *arguments]
    done = subprocess.run(full, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL if quiet else None, encoding="utf-8")
    return done.stdout


def write_sources(home: Path) -> list[Path]:
    """The documentation of this machine as JSONL, and the notes that the project ships."""
    make_folder(home)
    source = home / "python-docs.jsonl"
    write_file(source, b"".join(orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE) for document in documents()))
    return [source, DATA / "notes.jsonl"]


def split_queries(home: Path) -> tuple[Path, Path]:
    """Half of the queries to learn from and half to judge by; which half is a hash of the query's id."""
    halves: tuple[list[str], list[str]] = ([], [])
    for line in (DATA / "queries.tsv").read_text(encoding="utf-8").splitlines(keepends=True):
        halves[hashlib.sha256(line.split("\t")[0].encode()).digest()[0] % 2].append(line)
    paths = home / "queries-asked.tsv", home / "queries-held-out.tsv"
    for path, lines in zip(paths, halves):
        write_file(path, "".join(lines).encode())
    return paths


def keep_judgments(home: Path, queries: Path, judgments: Path) -> None:
    """Where the dashboard looks for them when it compares rankers."""
    folder = home / "judgments"
    make_folder(folder)
    write_file(folder / "queries.tsv", queries.read_bytes())
    write_file(folder / "judgments.qrels", judgments.read_bytes())


def learn(home: Path) -> None:
    """Build, simulate, train, compare, activate the best family by nDCG@10 on the queries that nobody asked."""
    judgments = DATA / "judgments.qrels"
    command("indexer", "build", *write_sources(home), "--home", home, "--schema", SCHEMA)
    asked, held_out = split_queries(home)
    keep_judgments(home, held_out, judgments)
    for number, users in enumerate(USERS):
        command("ranker", "simulate", "--home", home, "--queries", asked, "--judgments", judgments,
                "--users", users, "--sessions", str(SESSIONS), "--seed", str(number))  # fmt: skip
    names = [f"clicks-{family}" for family in FAMILIES]
    for name, family in zip(names, FAMILIES):
        command("ranker", "train", "--home", home, "--family", family, "--clicks", "--name", name)
    models = [word for name in ("none", *names) for word in ("--model", name)]
    evaluate: list[str | Path] = [
        "searchd",
        "evaluate",
        "--home",
        home,
        "--queries",
        held_out,
        "--judgments",
        judgments,
        "--measures",
        MEASURE,
        *models,
    ]
    table = command(*evaluate)
    print(f"\nOn {_lines(held_out)} queries that nobody asked (before: none; after: a family trained from clicks)\n\n{table}", flush=True)
    best = best_model(json.loads(command(*evaluate, "--json", quiet=True)))
    if best == "none":
        print("\nNo family beat the plain ranking on those queries, so none is activated.", flush=True)
    else:
        command("ranker", "models", "activate", best, "--home", home)


def best_model(evaluation: dict[str, Any]) -> str:
    """The name with the highest mean; the plain ranking wins ties."""
    models: dict[str, Any] = evaluation["models"]
    return max(models, key=lambda name: (models[name][MEASURE]["mean"], name == "none"))


def _lines(path: Path) -> int:
    return path.read_text(encoding="utf-8").count("\n")
