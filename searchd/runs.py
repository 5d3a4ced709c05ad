"""Queries -> a TREC run: ``qid Q0 docid rank score tag``, as evaluators read it.

Evaluators ignore the rank column, sort by score as float32 and break ties in ways of their own, so scores are written to fall strictly in the order
served. Ids hold no white space there, so it is percent-encoded. A query without text or without results writes no line.
"""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import quote

import numpy as np

from indexer.durable import FileWriter
from indexer.errors import SearchdError

_SPACE = re.compile(r"\s")


class OutputError(SearchdError):
    """A run cannot be written where it should be."""

    code = "output"


def encode_id(key: str) -> str:
    """An id without white space."""
    return _SPACE.sub(lambda found: quote(found.group()), key) if _SPACE.search(key) else key


def falling_scores(scores: np.ndarray) -> np.ndarray:
    """The nearest float32 scores that fall strictly, for scores that never rise."""
    out = np.asarray(scores, np.float32).copy()
    for i in range(1, len(out)):
        if not out[i] < out[i - 1]:
            out[i] = np.nextafter(out[i - 1], np.float32(-np.inf))
    return out


def run_lines(qid: str, keys: list[str], scores: np.ndarray, tag: str) -> list[str]:
    """The lines of one query, best first, without line ends."""
    name = encode_id(qid)
    # Nine digits tell any two float32 apart.
    return [
        f"{name} Q0 {encode_id(key)} {rank} {score:.9g} {tag}"
        for rank, (key, score) in enumerate(zip(keys, falling_scores(scores).tolist()), 1)
    ]


def run_of(engine: Any, queries: Mapping[str, str], depth: int, model: str) -> Iterator[tuple[str, list[str], np.ndarray]]:
    """``qid``, keys and scores of every query that finds something, in the order of the queries."""
    for qid, text in queries.items():
        if text.strip():
            ranking = engine.rank(text, depth, model, features=False)
            if ranking.keys:
                yield qid, ranking.keys, ranking.scores


def save_run(lines: Iterable[str], output: str) -> int:
    """Write a run to a file, which appears only when it is whole, or to stdout for ``-``; returns the number of lines. Raises OutputError."""
    if output == "-":
        return _write(lines, sys.stdout)
    path = Path(output)
    try:
        return _write_file(lines, path)
    except OSError as error:
        raise OutputError(f"{path}: expected a file that can be written, found: {error.strerror}") from error


def _write_file(lines: Iterable[str], path: Path) -> int:
    writer = FileWriter(path)
    try:
        count = 0
        for line in lines:
            writer.write(f"{line}\n".encode("utf-8", "surrogatepass"))
            count += 1
        writer.close()
        return count
    finally:
        writer.abort()


def _write(lines: Iterable[str], file: TextIO) -> int:
    count = 0
    for line in lines:
        file.write(line + "\n")
        count += 1
    return count
