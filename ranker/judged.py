"""Files of queries and of graded judgments to dictionaries; both kinds of judgments, those of TREC and those of Quepid.

Queries: ``qid<TAB>text`` a line. Judgments: ``qid 0 key grade`` a line (TREC), or a CSV with the header ``query,docid,rating`` where the
query is told by its text.
"""

import csv
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from indexer.errors import SearchdError, reason


class BadJudgments(SearchdError):
    """A file of queries or judgments cannot be read."""

    code = "bad_judgments"


def read_queries(path: Path) -> dict[str, str]:
    """``qid`` to text, in the order of the file. Raises ``BadJudgments`` with the line."""
    queries: dict[str, str] = {}
    for number, line in _lines(path):
        qid, tab, text = line.partition("\t")
        if not tab or not qid.strip():
            raise BadJudgments(f"{path}, line {number}: expected `qid<TAB>text`, found {line[:80]!r}")
        queries[qid.strip()] = text.strip()
    return queries


def read_judgments(path: Path, queries: dict[str, str]) -> dict[str, dict[str, float]]:
    """Grades by ``qid`` and key, of the ``queries`` only; negative grades count as 0. Raises ``BadJudgments`` with the line."""
    lines = _lines(path)
    if lines and lines[0][1].replace(" ", "").casefold().startswith("query,docid,rating"):
        triples = _from_csv(path, queries)
    else:
        triples = [_from_trec(path, number, line) for number, line in lines]
    judgments: dict[str, dict[str, float]] = {}
    for qid, key, grade in triples:
        if qid in queries:
            judgments.setdefault(qid, {})[key] = max(grade, 0.0)
    return judgments


def grade_of(grades: Mapping[str, float], key: str) -> float | None:
    """The grade of a document, or None without a judgment; TREC files hold keys with their white space percent-encoded."""
    grade = grades.get(key)
    if grade is None and any(character.isspace() for character in key):
        return grades.get("".join(quote(character) if character.isspace() else character for character in key))
    return grade


def _lines(path: Path) -> list[tuple[int, str]]:
    """The lines that say something, numbered from 1."""
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadJudgments(f"{path}: expected a readable UTF-8 file, found {reason(error)}; check the path") from error
    return [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]


def _from_trec(path: Path, number: int, line: str) -> tuple[str, str, float]:
    fields = line.split()
    if len(fields) != 4:
        raise BadJudgments(f"{path}, line {number}: expected `qid 0 key grade`, found {line[:80]!r}")
    return fields[0], fields[2], _grade(path, number, fields[3])


def _from_csv(path: Path, queries: dict[str, str]) -> list[tuple[str, str, float]]:
    qids = {text: qid for qid, text in queries.items()}
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        triples = []
        for row in filter(None, rows):
            if len(row) < 3:
                raise BadJudgments(f"{path}, line {rows.line_num}: expected `query,docid,rating`, found {','.join(row)[:80]!r}")
            qid = qids.get(row[0].strip(), row[0].strip())
            triples.append((qid, row[1].strip(), _grade(path, rows.line_num, row[2])))
    return triples


def _grade(path: Path, number: int, text: str) -> float:
    try:
        grade = float(text)
    except ValueError:
        grade = float("nan")
    if not -1e6 < grade < 1e6:
        raise BadJudgments(f"{path}, line {number}: expected a number as the grade, found {text[:80]!r}")
    return grade
