"""The logs that click models are measured on: a real one, and large ones of simulated users, block by block."""

import gzip
import sys
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

import numpy as np
from benchmark_collections import DATA
from numpy.typing import NDArray

from ranker.sessions import ClickData, Sessions, counts_of
from ranker.users import click

YANDEX = "clicks/yandex-relpred-sample/sessions.tsv.gz"
BLOCK = 100_000


class RealLog(NamedTuple):
    """Rows int32[S, 10] shown, bool[S, 10] clicked, and the query of each session and row."""

    rows: NDArray[np.int32]
    clicked: NDArray[np.bool_]
    session_query: NDArray[np.int32]
    row_query: NDArray[np.int32]
    queries: list[str]


def read_yandex() -> RealLog:
    """The sample of Yandex's relevance prediction challenge (2011); clicks on what was not shown are left out."""
    path = DATA / YANDEX
    if not path.exists():
        sys.exit(f"{path} is not here: this benchmark needs the development data (SEARCHD_SHARED_DATA)")
    rows: dict[tuple[str, str], int] = {}
    queries: dict[str, int] = {}
    shown, clicked, asked = [], [], []
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in islice(lines, 1, None):
            _, query, urls, clicks = line.rstrip("\n").split("\t")
            chosen = set(clicks.split(","))
            asked.append(queries.setdefault(query, len(queries)))
            shown.append([rows.setdefault((query, url), len(rows)) for url in urls.split(",")])
            clicked.append([url in chosen for url in urls.split(",")])
    row_query = np.array([queries[query] for query, _ in rows], np.int32)
    return RealLog(np.array(shown, np.int32), np.array(clicked), np.array(asked, np.int32), row_query, list(queries))


def as_sessions(rows: NDArray[np.int32], clicked: NDArray[np.bool_]) -> Sessions:
    """Lists of equal length as sessions."""
    count, length = rows.shape
    ranks = np.tile(np.arange(length, dtype=np.int32), count)
    return Sessions(np.arange(0, count * length + 1, length), rows.ravel(), ranks, clicked.ravel())


def as_log(log: RealLog, chosen: NDArray[np.bool_]) -> ClickData:
    """Some of the sessions, over all rows, so that others can be asked of what was learned."""
    sessions = as_sessions(log.rows[chosen], log.clicked[chosen])
    num_rows = len(log.row_query)
    counts = counts_of(sessions, num_rows)
    return ClickData(log.queries, log.row_query, [""] * num_rows, np.zeros((num_rows, 0), np.float32), *counts, sessions)


def first_of_each_query(log: RealLog, share: float) -> NDArray[np.bool_]:
    """bool[S]: the first ``share`` of each query's sessions, to learn from what came before."""
    nth, count = np.zeros(len(log.rows)), np.bincount(log.session_query)
    for query in range(len(log.queries)):
        its = np.flatnonzero(log.session_query == query)
        nth[its] = np.arange(len(its))
    return nth < share * count[log.session_query]


def simulated_blocks(sessions: int, queries: int, docs: int = 15, length: int = 10, seed: int = 0) -> Iterator[Sessions]:
    """Zipf traffic over ``queries`` with ``docs`` documents each, three rankings, UBM users; row q * docs + d is document d of query q."""
    chance = np.random.default_rng(seed)
    grades = chance.choice(5, (queries, docs), p=[0.5, 0.3, 0.13, 0.05, 0.02]).astype(np.float32)
    rankings = [np.argsort(chance.normal(0, 2.5, grades.shape) - grades, axis=1)[:, :length].astype(np.int32) for _ in range(3)]
    traffic = np.cumsum(np.arange(1, queries + 1) ** -0.9)
    for first in range(0, sessions, BLOCK):
        count = min(BLOCK, sessions - first)
        query = np.searchsorted(traffic, chance.random(count) * traffic[-1]).astype(np.int32)
        shown = np.stack(rankings)[chance.integers(3, size=count), query]
        clicked = click("ubm", grades[query[:, None], shown].astype(np.float64), 4.0, chance)
        yield as_sessions(query[:, None] * docs + shown, clicked)
