"""The ``indexer`` command: documents in, published generations out. Data on stdout; progress, the inferred schema and warnings on stderr."""

import json
from typing import TYPE_CHECKING, Any

import click

from indexer.choices import BACKENDS, MEMORY
from indexer.home import Home
from indexer.program import MemorySize, Program, home_option
from indexer.startup import without_blas

if TYPE_CHECKING:
    from indexer.analysis import Analyzer
    from indexer.schema import Schema


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Build, change and check the index of a searchd home."""


@main.command("build")
@click.argument("sources", nargs=-1, metavar="SOURCE...")
@home_option
@click.option("--schema", "schema_file", metavar="FILE", help="TOML file with the fields; without it they are inferred and printed.")
@click.option("--id-field", metavar="NAME", help="Field with the document id [default: that of the schema, or id].")
@click.option(
    "--jobs", type=click.IntRange(1, 1024), default=1, show_default=True, help="Threads, or where Python parses processes, at work."
)
@click.option("--memory", type=MemorySize(), default=MEMORY, help="Memory for all processes together [default: 1GiB].")
@click.option("--backend", type=click.Choice(BACKENDS), default="loky", show_default=True, help="How joblib starts processes.")
@click.option(
    "--max-quarantined",
    type=click.FloatRange(0.0, 1.0),
    default=1.0,
    show_default=True,
    help="Share of bad records that is still published.",
)
@click.option(
    "--reorder", is_flag=True, help="Let documents that share terms stand together, not in the order of the SOURCEs: faster searches."
)
@click.option(
    "--reindex-affected",
    "affected",
    is_flag=True,
    help="No SOURCE: after a change of lexicon/user.txt analyse the documents anew that have a word of the change.",
)
def build_command(
    sources: tuple[str, ...],
    home: Home,
    schema_file: str | None,
    id_field: str | None,
    jobs: int,
    memory: int,
    backend: str,
    max_quarantined: float,
    reorder: bool,
    affected: bool,
) -> None:
    """Index SOURCEs as a new generation and publish it.

    A SOURCE is a file named .jsonl .json .csv .tsv .parquet .txt .md .html (each also with .gz or .zst), a table FILE.db#TABLE, a folder of
    text, Markdown and HTML, or - for JSON on standard input.
    """
    without_blas()
    from indexer.build import build

    if affected == bool(sources):
        raise click.UsageError("expected either SOURCE... or --reindex-affected")
    if affected:
        _reindex(home)
        return
    schema = _schema(home, schema_file)
    report = build(home, sources, schema, jobs, memory, id_field, backend, max_quarantined, True, _print_schema, reorder)
    click.echo(f"generation {report.generation}")
    click.echo(f"read {report.read} = indexed {report.indexed} + quarantined {report.quarantined} + duplicates {report.duplicates}")
    click.echo(f"seconds {report.seconds:.1f} ({report.read / max(report.seconds, 1e-9):,.0f} documents/s)")
    _tell_quarantined(home, report.reasons)


def _reindex(home: Home) -> None:
    from indexer.reindex import reindex_affected

    report = reindex_affected(home)
    click.echo(f"generation {report.generation}")
    click.echo(f"words added or removed {report.words}")
    click.echo(f"documents analysed anew {report.affected} of {report.documents}")


@main.command("update")
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@home_option
def update_command(sources: tuple[str, ...], home: Home) -> None:
    """Add the documents of SOURCEs to the published index; documents with a known id are replaced."""
    from indexer.updates import update

    report = update(home, sources)
    click.echo(f"generation {report.generation}")
    click.echo(f"read {report.read} = indexed {report.indexed} + quarantined {report.quarantined} + duplicates {report.duplicates}")
    _tell_quarantined(home, report.reasons)


@main.command("delete")
@click.argument("keys", nargs=-1, required=True, metavar="KEY...")
@home_option
def delete_command(keys: tuple[str, ...], home: Home) -> None:
    """Delete the documents with these ids; unknown ids are named on stderr and do no harm."""
    from indexer.updates import remove

    report = remove(home, keys)
    for key in report.unknown:
        click.echo(f"warning: no document {key!r}", err=True)
    click.echo(f"generation {report.generation}")
    click.echo(f"deleted {report.deleted}")


@main.command("merge")
@home_option
@click.option("--as-needed", is_flag=True, help="Merge small and largely deleted segments alone, behind everybody else, as a service does.")
def merge_command(home: Home, as_needed: bool) -> None:
    """Rewrite the published index as one segment, without what was deleted."""
    from indexer.changes import fold
    from indexer.merging import merge_as_needed, stand_back

    if as_needed:
        stand_back()
    for generation in merge_as_needed(home) if as_needed else [fold(home)]:
        click.echo(f"generation {generation}")


@main.command("verify")
@home_option
@click.option("--generation", metavar="NAME", help="Another generation than the published one.")
def verify_command(home: Home, generation: str | None) -> None:
    """Read every byte of the index and compare it with what was published; status 1 when something differs."""
    from indexer.index import verify as find_damage
    from indexer.publish import NoSuchGeneration, current_generation

    if generation is not None and not (generation.isalnum() and (home.index / generation).is_dir()):
        raise NoSuchGeneration(f"{home.index}: no generation {generation!r}; `indexer versions` lists those that are here")
    found = find_damage(home, generation)
    for finding in found:
        click.echo("\t".join([str(finding.path), finding.section or "-", finding.problem]))
    if found:
        click.echo("error: the index is damaged; roll back with `indexer rollback`, or build it again", err=True)
        raise click.exceptions.Exit(1)
    click.echo(f"{generation or current_generation(home)} is whole")


@main.command("stats")
@home_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of lines.")
def stats_command(home: Home, as_json: bool) -> None:
    """The published generation in figures: counts, bytes by structure, bytes a posting of what retrieval reads."""
    from indexer.statistics import stats

    figures = stats(home)
    if as_json:
        click.echo(json.dumps(figures, ensure_ascii=False))
    else:
        click.echo("\n".join(_aligned(figures)))


def _aligned(figures: dict[str, Any]) -> list[str]:
    """A figure a line: names on the left, numbers on the right, the share of all bytes beside each structure."""
    structures, retrieval = figures["structures"], figures["retrieval_structures"]
    rows = [
        (name, f"{value:,}" if isinstance(value, int) else str(value), "")
        for name, value in figures.items()
        if not isinstance(value, (dict, list))
    ]
    rows += [
        (f"bytes {name}", f"{size:,}", f"{size / figures['bytes']:6.1%}" + ("  retrieval" if name in retrieval else ""))
        for name, size in structures.items()
    ]
    rows += [(f"analyzer {name}", *_described(spec)) for name, spec in figures["analyzers"].items()]
    rows += [(f"field {name}", kind, "") for name, kind in figures["fields"].items()]
    left, right = (max(len(row[i]) for row in rows) for i in (0, 1))
    return [f"{name.ljust(left)}  {value.rjust(right)}  {share}".rstrip() for name, value, share in rows]


def _described(spec: dict[str, Any]) -> tuple[str, str]:
    """(what an analyzer is made of, what of that is another in this program)."""
    parts = [f"rules {spec['rules']}", *(f"{name} {version}" for name, version in spec.get("libraries", {}).items())]
    parts += [f"{name} {digest[:12]}" for name, digest in spec.get("dictionaries", {}).items()]
    parts += [f"{spec['words']:,} words of its own"] if spec["words"] else []
    return ", ".join(parts), f"differs from this program in: {', '.join(spec['differs'])}" if spec["differs"] else ""


@main.command("versions")
@home_option
def versions_command(home: Home) -> None:
    """The generations on disk, newest first; the published one is marked with a star."""
    from indexer.publish import versions

    for version in versions(home):
        mark = "*" if version.current else " "
        click.echo(
            f"{mark} {version.generation}\t{version.published_at or 'never published'}\t{version.documents} documents\t{version.bytes} bytes"
        )


@main.command("rollback")
@home_option
def rollback_command(home: Home) -> None:
    """Publish again the generation before the current one."""
    from indexer.publish import rollback

    click.echo(f"generation {rollback(home)}")


@main.command("analyze")
@click.argument("text")
@home_option
@click.option("--field", metavar="NAME", help="A text field, when the fields have different analyzers.")
@click.option("--json", "as_json", is_flag=True, help="A JSON object a line.")
def analyze_command(text: str, home: Home, field: str | None, as_json: bool) -> None:
    """The tokens of TEXT as the index has them: position, start and end in TEXT, stream, term, the text they stand for."""
    from indexer.tokens import STREAM_NAMES, shown_term

    for token in _analyzer(home, field).tokens(text):
        shown = token._asdict() | {"term": shown_term(token.term), "stream": STREAM_NAMES[token.stream]}
        if as_json:
            click.echo(json.dumps(shown, ensure_ascii=False))
        else:
            click.echo("\t".join(str(shown[name]) for name in ("position", "start", "end", "stream", "term", "surface")))


def _analyzer(home: Home, field: str | None) -> "Analyzer":
    """That of the published index; before there is one, the standard one with the home's lexicon."""
    from indexer.analysis import get_analyzer
    from indexer.index import DEFAULT_ANALYZER, Index, lexicon_of
    from indexer.publish import NoIndex
    from indexer.schema import SchemaError

    try:
        with Index.open(home) as index:
            known = [text.name for text in index.schema.text_fields]
            if field is not None and field not in known:
                raise SchemaError(f"--field: expected one of the text fields {', '.join(known)}, found {field!r}")
            return index.analyzer(field)
    except NoIndex:
        return get_analyzer(DEFAULT_ANALYZER, lexicon_of(home))


def _schema(home: Home, schema_file: str | None) -> "Schema | None":
    """The one given, else the one in the home's settings, else None: to be inferred."""
    from indexer.schema import load_schema, settings_schema

    if schema_file:
        return load_schema(schema_file)
    return settings_schema(home.settings)


def _print_schema(schema: "Schema") -> None:
    from indexer.infer import to_toml

    click.echo(f"# inferred schema; save and edit it for --schema\n{to_toml(schema)}", err=True)


def _tell_quarantined(home: Home, reasons: dict[str, int]) -> None:
    from indexer.build import quarantine_path

    if reasons:
        listed = ", ".join(f"{reason} {count}" for reason, count in reasons.items())
        click.echo(f"warning: quarantined: {listed}; see {quarantine_path(home)}", err=True)
