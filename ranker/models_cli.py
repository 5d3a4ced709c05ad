"""``ranker models list|show|rollback|diff|import``: the registry at the command line."""

import json
from pathlib import Path

import click

from indexer.home import Home
from indexer.program import home_option


@click.group()
def models() -> None:
    """The models of a home: what there is, what is served."""


@models.command("list")
@home_option
def list_(home: Home) -> None:
    """One line a version: name, version, family, what it learned from, held-out gain; * marks the active one, ! a damaged one."""
    from ranker.registry import Registry

    for entry in Registry(home).entries():
        if entry.damaged is not None:
            click.echo("\t".join(("!", entry.name, entry.version, "damaged", " ".join(entry.damaged.split()))))
            continue
        card = entry.card
        gain = (card.get("heldout") or {}).get("gain")
        fields = ("*" if entry.active else " ", entry.name, entry.version, card.get("family", ""), card.get("source", ""))
        click.echo("\t".join((*fields, "" if gain is None else f"{gain:+.4f}")))


@models.command("show")
@home_option
@click.argument("name")
@click.argument("version", required=False)
def show(home: Home, name: str, version: str | None) -> None:
    """The card and the features of a version (the newest unless given; `active` for what is served)."""
    from ranker.registry import Registry

    model = Registry(home).load(name, version)
    record = {"name": model.name, "version": model.version, **model.card, "features": list(model.featureset.names)}
    click.echo(json.dumps(record, ensure_ascii=False, indent=1))


@models.command("card")
@home_option
@click.argument("name")
@click.argument("version", required=False)
def card(home: Home, name: str, version: str | None) -> None:
    """The card of a version for people to read: data window, held-out measures by slice, features, hashes."""
    from ranker.registry import Registry

    click.echo(Registry(home).card_of(name, version), nl=False)


@models.command("rollback")
@home_option
def rollback(home: Home) -> None:
    """Serve what was served before."""
    from ranker.activations import rollback

    previous = rollback(home, "command line")
    click.echo(" ".join(previous) if previous else "none")


@models.command("diff")
@home_option
@click.argument("first")
@click.argument("second")
def diff(home: Home, first: str, second: str) -> None:
    """How two models differ, each given as NAME or NAME/VERSION."""
    from ranker.registry import Registry, difference

    registry = Registry(home)
    loaded = [registry.load(name, version or None) for name, _, version in (given.partition("/") for given in (first, second))]
    click.echo(json.dumps(difference(*loaded), ensure_ascii=False, indent=1))


@models.command("import")
@home_option
@click.argument("source", type=click.Path(path_type=Path, exists=True))
@click.option("--name", required=True, help="Name in this registry.")
@click.option(
    "--features", type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Names of the model's features in order, one a line, where its own file calls them Column_0, Column_1, ...",
)  # fmt: skip
def import_(home: Home, source: Path, name: str, features: Path | None) -> None:
    """Copy a model folder of another home into this one, or a LightGBM text model trained on `ranker features export`; verified."""
    from ranker.importing import import_text
    from ranker.registry import Registry

    if source.is_dir() and features is not None:
        raise click.UsageError("--features is for text models; a model folder has its own")
    version = Registry(home).import_folder(source, name) if source.is_dir() else import_text(home, source, name, features)
    click.echo(f"{name} {version}")
