"""Files of queries and of graded judgments to dictionaries; both kinds of judgments, those of TREC and those of Quepid.

Queries: ``qid<TAB>text`` a line. Judgments: ``qid 0 key grade`` a line (TREC), or a CSV with the columns ``query,docid,rating``, in any order and
among others, where the query is told by its text (Quepid); without a rating a row says nothing.
"""

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from indexer.durable import write_file
from indexer.errors import SearchdError, reason

QUEPID = ("query", "docid", "rating")
# With what a cell begins that programs for tables take for a formula; such a cell is written with a ' before it.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


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
    columns = _quepid_columns(lines[0][1]) if lines else None
    if columns is not None:
        triples = _from_csv(path, queries, columns)
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
        return grades.get(encoded_key(key))
    return grade


def encoded_key(key: str) -> str:
    """A key as TREC files hold it, whose columns end at white space."""
    return "".join(quote(character) if character.isspace() else character for character in key)


def write_queries(path: Path, queries: Mapping[str, str]) -> None:
    """``qid<TAB>text`` a line; raises BadJudgments for what a line cannot hold."""
    for qid, text in queries.items():
        if (
            not qid.strip()
            or qid != qid.strip()
            or text != text.strip()
            or any(c in "\t\r\n" for c in qid)
            or any(c in "\r\n" for c in text)
        ):
            raise BadJudgments(
                f"{path}: expected ids and texts without tabs, line ends and outer blanks, found {qid[:40]!r}, {text[:40]!r}"
            )
    write_file(path, "".join(f"{qid}\t{text}\n" for qid, text in queries.items()).encode())


def write_judgments(path: Path, form: str, queries: Mapping[str, str], judgments: Mapping[str, Mapping[str, float]]) -> None:
    """Grades by qid and key, as ``read_judgments`` reads them; ``form``: "trec", or "quepid", which tells queries by their ``queries`` text."""
    rows = [(qid, key, grade) for qid, grades in judgments.items() for key, grade in grades.items()]
    if form == "trec":
        bad = next((qid for qid in judgments if not qid or any(map(str.isspace, qid))), None)
        if bad is not None:
            raise BadJudgments(
                f"{path}: expected query ids without white space, as TREC has them, found {bad[:40]!r}; name queries otherwise"
            )
        write_file(path, "".join(f"{qid} 0 {encoded_key(key)} {grade:.9g}\n" for qid, key, grade in rows).encode())
        return
    held = io.StringIO(newline="")
    out = csv.writer(held, lineterminator="\n")
    out.writerow(QUEPID)
    out.writerows((_inert(queries[qid]), _inert(key), f"{grade:.9g}") for qid, key, grade in rows)
    write_file(path, held.getvalue().encode())


def _inert(text: str) -> str:
    """A cell that no table takes for a formula; ``_plain`` gives the text back."""
    return f"'{text}" if text.lstrip("'").startswith(FORMULA) else text


def _plain(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(FORMULA) else cell


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


def _quepid_columns(header: str) -> tuple[int, int, int] | None:
    """Where query, docid and rating stand in a CSV with this first line; None for a file of another kind."""
    names = [name.strip().casefold() for name in next(csv.reader([header]), [])]
    if not set(QUEPID) <= set(names):
        return None
    query, key, rating = map(names.index, QUEPID)
    return query, key, rating


def _from_csv(path: Path, queries: dict[str, str], columns: tuple[int, int, int]) -> list[tuple[str, str, float]]:
    qids = {text: qid for qid, text in queries.items()}
    triples = []
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file)
        try:
            next(rows)
            for row in filter(None, rows):
                if len(row) <= max(columns):
                    raise BadJudgments(f"{path}, line {rows.line_num}: expected `query,docid,rating`, found {','.join(row)[:80]!r}")
                query, key, rating = (_plain(row[place].strip()).strip() for place in columns)
                if rating:
                    triples.append((qids.get(query, query), key, _grade(path, rows.line_num, rating)))
        except csv.Error as error:
            raise BadJudgments(f"{path}, line {rows.line_num}: expected CSV, found something else ({error}); mend the line") from None
    return triples


def _grade(path: Path, number: int, text: str) -> float:
    try:
        grade = float(text)
    except ValueError:
        grade = float("nan")
    if not -1e6 < grade < 1e6:
        raise BadJudgments(f"{path}, line {number}: expected a number as the grade, found {text[:80]!r}")
    return grade
