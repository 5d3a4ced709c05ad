"""``ranker judgments convert|export``: grades between TREC and Quepid, and grades that clicks give."""

import json
from pathlib import Path

import click

from indexer.home import Home
from indexer.program import home_option

existing = click.Path(path_type=Path, exists=True, dir_okay=False)
file_path = click.Path(path_type=Path)
FORMS = ("trec", "quepid")
form_option = click.option(
    "--format", "form", type=click.Choice(FORMS), required=True, help="TREC qrels, or Quepid's CSV query,docid,rating."
)


@click.group()
def judgments() -> None:
    """Graded judgments as other programs have them."""


@judgments.command("convert")
@click.argument("source", type=existing)
@click.option(
    "--queries", "queries_path", type=existing, required=True, help="qid<TAB>text a line: TREC knows queries by id, Quepid by text."
)
@form_option
@click.option("--output", type=file_path, required=True, help="File to write.")
def convert(source: Path, queries_path: Path, form: str, output: Path) -> None:
    """Write the judgments of SOURCE, TREC qrels or Quepid's CSV, in the other form (or the same, checked)."""
    from ranker.judged import read_judgments, read_queries, write_judgments

    queries = read_queries(queries_path)
    found = read_judgments(source, queries)
    write_judgments(output, form, queries, found)
    _show(found)


@judgments.command("export")
@home_option
@form_option
@click.option("--grades", type=click.IntRange(1, 30), default=3, show_default=True, help="The best grade; 0 is the worst.")
@click.option("--output", type=file_path, required=True, help="File to write.")
@click.option("--queries-output", type=file_path, help="Write qid<TAB>text there; --format trec needs it.")
@click.option("--seed", type=int, default=0, show_default=True, help="Where everything random is drawn from.")
def export(home: Home, form: str, grades: int, output: Path, queries_output: Path | None, seed: int) -> None:
    """Write what the click log says of documents as judgments, to look at them or to judge further; learning itself needs no grades."""
    from ranker.judged import write_judgments, write_queries
    from ranker.work import judgments_from_clicks

    if form == "trec" and queries_output is None:
        raise click.UsageError("--format trec needs --queries-output: its queries are ids")
    queries, found = judgments_from_clicks(home, grades, seed)
    if queries_output is not None:
        write_queries(queries_output, queries)
    write_judgments(output, form, queries, found)
    _show(found)


def _show(found: dict[str, dict[str, float]]) -> None:
    click.echo(json.dumps({"queries": len(found), "judgments": sum(map(len, found.values()))}))
