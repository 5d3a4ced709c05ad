"""The ``searchd`` command: serve, search, run, evaluate, tune, doctor, keys. Data on stdout, progress and remarks on stderr.

A command is parsing and one call; what it calls is imported when it runs, so that ``--help`` and ``keys`` need no kernels.
"""

import sys
import time
from pathlib import Path
from typing import Any

import click
import orjson

from indexer.home import Home
from indexer.program import Program, home_option

FILE = click.Path(path_type=Path, dir_okay=False)


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Search a searchd home, and serve it over HTTP."""
    from searchd.logs import log_to_stderr

    log_to_stderr()


@main.command("serve")
@home_option
@click.option("--host", metavar="ADDRESS", help="Address to listen on [default: 127.0.0.1].")
@click.option("--port", type=click.IntRange(0, 65535), help="TCP port [default: 8000].")
@click.option("--workers", type=click.IntRange(1, 256), help="Processes that answer requests [default: 1].")
def serve_command(home: Home, host: str | None, port: int | None, workers: int | None) -> None:
    """Answer HTTP requests until SIGTERM or Ctrl-C."""
    from searchd.serve import serve

    serve(home, host, port, workers)


@main.command("search")
@click.argument("query")
@home_option
@click.option("--limit", type=click.IntRange(0, 1000), default=10, show_default=True, help="Results to print.")
@click.option("--model", metavar="NAME|none", default="active", show_default=True, help="Model that orders the results.")
@click.option("--filter", "filter_", metavar="FILTER", help='Such as: year >= 2020 AND tag IN ["a", "b"].')
@click.option("--explain", is_flag=True, help="Say how each score came about.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text.")
def search_command(query: str, home: Home, limit: int, model: str, filter_: str | None, explain: bool, as_json: bool) -> None:
    """Print the best documents for QUERY."""
    from searchd.engine import Engine
    from searchd.printing import result_json, result_text

    with Engine(home) as engine:
        result = engine.search(query, limit=limit, filter=filter_, model=model, explain=explain, log=False)
    # Text of documents may hold what a terminal's encoding does not.
    text = result_json(result) if as_json else result_text(result)
    click.echo(text.encode("utf-8", "replace"))


@main.command("explain")
@click.argument("query")
@click.argument("id_", metavar="ID")
@home_option
@click.option("--than", metavar="ID", help="Another document: say what puts the first above it, or below.")
@click.option("--model", metavar="NAME|none", default="active", show_default=True, help="Model that orders the results.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text.")
def explain_command(query: str, id_: str, home: Home, than: str | None, model: str, as_json: bool) -> None:
    """Say why the document ID has its score for QUERY."""
    from searchd.engine import Engine
    from searchd.printing import compared_text, explained_json, explained_text

    with Engine(home) as engine:
        if than is None:
            found = engine.explain(id_, query, model)
            text = explained_json(found) if as_json else explained_text(found)
        else:
            pair = engine.compare(id_, than, query, model)
            text = explained_json(*pair) if as_json else compared_text(*pair)
    click.echo(text.encode("utf-8", "replace"))


@main.command("run")
@home_option
@click.option("--queries", required=True, type=FILE, help="Lines of qid<TAB>text.")
@click.option("--output", required=True, metavar="RUN", help="TREC run to write; - for stdout.")
@click.option("--depth", type=click.IntRange(1, 1_000_000), default=1000, show_default=True, help="Documents a query.")
@click.option("--model", metavar="NAME|none", default="active", show_default=True, help="Model that orders the results.")
def run_command(home: Home, queries: Path, output: str, depth: int, model: str) -> None:
    """Write the results of many queries as a TREC run."""
    from ranker.judged import read_queries
    from searchd.engine import Engine
    from searchd.runs import run_lines, run_of, save_run

    asked = read_queries(queries)
    started = time.perf_counter()
    with Engine(home) as engine:
        ran = run_of(engine, asked, depth, model)
        count = save_run((line for qid, keys, scores in ran for line in run_lines(qid, keys, scores, f"searchd-{model}")), output)
    seconds = time.perf_counter() - started
    click.echo(f"{len(asked)} queries, {count} lines, {seconds:.1f} s", err=True)


@main.command("evaluate")
@home_option
@click.option("--queries", required=True, type=FILE, help="Lines of qid<TAB>text.")
@click.option("--judgments", required=True, type=FILE, help="TREC qrels, or CSV with query,docid,rating.")
@click.option(
    "--model", "models", multiple=True, metavar="NAME|none", help="A model to measure; may be repeated [default: none and active]."
)
@click.option("--measures", default="nDCG@10 AP R@100 RR@10", show_default=True, help="Names of ir_measures.")
@click.option("--depth", type=click.IntRange(1, 1_000_000), default=1000, show_default=True, help="Documents a query.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
def evaluate_command(home: Home, queries: Path, judgments: Path, models: tuple[str, ...], measures: str, depth: int, as_json: bool) -> None:
    """Measure models on judged queries, with confidence intervals and paired tests between them."""
    from ranker.judged import read_judgments, read_queries
    from ranker.popular import asked_often
    from searchd.engine import Engine
    from searchd.evaluate import as_dict, evaluate, table_of

    asked = read_queries(queries)
    graded = read_judgments(judgments, asked)
    with Engine(home) as engine:
        named = models or (("none", "active") if engine.model_name() else ("none",))
        found = evaluate(engine, asked, graded, named, measures, depth, asked_often(home))
    click.echo(orjson.dumps(as_dict(found), option=orjson.OPT_INDENT_2) if as_json else table_of(found))


@main.command("tune")
@home_option
@click.option("--queries", required=True, type=FILE, help="Lines of qid<TAB>text.")
@click.option("--judgments", required=True, type=FILE, help="TREC qrels, or CSV with query,docid,rating.")
@click.option("--measure", default="nDCG@10", show_default=True, help="Name of an ir_measures measure.")
@click.option("--folds", type=click.IntRange(2, 100), default=5, show_default=True, help="Parts that take turns in being held out.")
@click.option("--settings", type=click.IntRange(1, 10_000), default=100, show_default=True, help="Settings to try.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Where the settings and folds are drawn from.")
@click.option("--output", type=FILE, metavar="FILE", help="Schema to write; nothing is written when the gain is noise.")
@click.option("--force", is_flag=True, help="Write the best setting also when the gain is noise.")
def tune_command(
    home: Home, queries: Path, judgments: Path, measure: str, folds: int, settings: int, seed: int, output: Path | None, force: bool
) -> None:
    """Find weights of fields and streams, k1 and b from judged queries, and say whether they are better on queries that had no say."""
    from indexer.index import Index
    from ranker.judged import read_judgments, read_queries
    from searchd.tune import report_of, save, tune

    asked = read_queries(queries)
    with Index.open(home) as index, click.progressbar(length=settings + 1, label="settings tried", file=sys.stderr) as bar:
        found = tune(index, asked, read_judgments(judgments, asked), measure, folds, settings, seed, lambda: bar.update(1))
    click.echo(report_of(found))
    if output is not None and (force or not found.noise):
        save(found, output)
        click.echo(f"written: {output}; name it by --schema when building, or put its tables into {home.settings}", err=True)
    elif output is not None:
        click.echo(f"not written: {output}; --force writes it all the same", err=True)


@main.command("doctor")
@home_option
@click.option("--full", is_flag=True, help="Read every byte of the index and the click log.")
def doctor_command(home: Home, full: bool) -> None:
    """Check home, index, model, click log and this machine; say what to do. Status 1 when something fails."""
    from searchd.doctor import FAILURE, diagnose

    failed = 0
    for check in diagnose(home, full):
        click.echo(f"{check.state:8} {check.name:12} {check.message}" + (f"\n{'':21} {check.advice}" if check.advice else ""))
        failed += check.state == FAILURE
    if failed:
        click.echo(f"error: {failed} of the checks failed", err=True)
        raise click.exceptions.Exit(1)


@main.group("keys")
def keys_group() -> None:
    """API keys: who may change documents and models."""


@keys_group.command("create")
@home_option
@click.option(
    "--scope", "scopes", multiple=True, required=True, metavar="SCOPE", help="search, events, documents or admin; may be repeated."
)
@click.option("--expires", metavar="LIFETIME", help="Such as 90d or 12h; without, never.")
@click.option("--label", default="", help="What the key is for.")
def keys_create(home: Home, scopes: tuple[str, ...], expires: str | None, label: str) -> None:
    """Make a key and print it, once."""
    click.echo(_store(home).create(scopes, expires, label))
    click.echo("keep this key: it is not stored and cannot be shown again", err=True)


@keys_group.command("list")
@home_option
def keys_list(home: Home) -> None:
    """The keys of the home: id, scopes, label, made, expires, revoked."""
    for key in _store(home).all():
        click.echo("\t".join([key.id, ",".join(key.scopes), key.label or "-", _day(key.created), _day(key.expires), _day(key.revoked)]))


@keys_group.command("revoke")
@click.argument("key_ids", nargs=-1, required=True, metavar="ID...")
@home_option
def keys_revoke(key_ids: tuple[str, ...], home: Home) -> None:
    """Make keys useless from now on."""
    store = _store(home)
    for key_id in key_ids:
        store.revoke(key_id)
        click.echo(f"revoked {key_id}")


def _store(home: Home) -> Any:
    from searchd.keys import KeyStore

    return KeyStore(home.keys)


def _day(seconds: float | None) -> str:
    return "-" if seconds is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
