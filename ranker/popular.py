"""A click log -> what many people asked for, as far as it may be shown to others.

Only queries of several clients count, so that nobody's own words are shown to somebody else, and nothing that was simulated.
"""

import sqlite3
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

from indexer.home import Home
from ranker.clicklog import ClickLog
from ranker.clicklog_schema import explain
from ranker.sessions import normalised

MIN_CLIENTS = 3
MAX_QUERIES = 20_000
MAX_CHARS = 80
DAYS = 180
_QUERY = """
SELECT user_query, COUNT(DISTINCT client_id) AS clients FROM impressions
WHERE simulated = 0 AND client_id != '' AND first_rank = 1 AND received >= ? AND keys != '[]' AND LENGTH(user_query) BETWEEN 2 AND ?
GROUP BY user_query HAVING clients >= ? ORDER BY clients DESC, user_query LIMIT ?
"""


def asked_often(home: Home) -> dict[str, int]:
    """How often each query was asked, by its normalised text; empty without a log. Raises ClickLogError."""
    counts: Counter[str] = Counter()
    if home.clicks.exists():
        with ClickLog(home.clicks) as log:
            for text, count in log.rows("SELECT user_query, count(*) FROM impressions WHERE first_rank = 1 GROUP BY user_query"):
                counts[normalised(text)] += count
    return dict(counts)


def popular_queries(path: Path, now_ms: int | None = None) -> list[tuple[str, int]]:
    """Queries that found something and the number of clients that asked each, at least three, most first; none without a log.

    Of the last 180 days. Raises ClickLogError.
    """
    if not path.exists():
        return []
    since = (time.time_ns() // 1_000_000 if now_ms is None else now_ms) - DAYS * 86_400_000
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=5)) as connection:
            return [
                (str(query), int(clients)) for query, clients in connection.execute(_QUERY, (since, MAX_CHARS, MIN_CLIENTS, MAX_QUERIES))
            ]
    except sqlite3.Error as error:
        raise explain(error, path) from error
