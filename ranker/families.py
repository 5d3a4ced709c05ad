"""The families of rankers by name: what `--family` chooses from."""

from ranker.ensemble import Ensemble
from ranker.rankers import Listwise, Pairwise, Pointwise, Ranker, UnknownFamily

FAMILIES: dict[str, type[Ranker]] = {c.family: c for c in (Pointwise, Pairwise, Listwise, Ensemble)}


def family(name: str) -> type[Ranker]:
    """The class of a family; raises UnknownFamily."""
    if name not in FAMILIES:
        raise UnknownFamily(f"expected a family of {', '.join(FAMILIES)}, found {name!r}")
    return FAMILIES[name]
