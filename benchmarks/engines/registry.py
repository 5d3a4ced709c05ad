"""The engines by name, ours first. Each is imported when it is asked for, so that building one does not pay for the imports of others."""

from importlib import import_module

from engines.base import Engine

OURS = "searchd"
CLASSES = {
    OURS: ("searchd_engine", "SearchdEngine"),
    "tantivy": ("tantivy_engine", "TantivyEngine"),
    "pisa": ("pisa_engine", "PisaEngine"),
    "pisa 8-bit": ("pisa_engine", "QuantizedPisaEngine"),
    "bm25s": ("bm25s_engine", "Bm25sEngine"),
    "sqlite": ("sqlite_engine", "SqliteEngine"),
}


def load(name: str) -> type[Engine]:
    """The class of an engine."""
    module, attribute = CLASSES[name]
    return getattr(import_module(f"engines.{module}"), attribute)


def available(names: str) -> tuple[list[type[Engine]], dict[str, str]]:
    """Those of a comma-separated list ("all") that can run here, and why the others cannot."""
    wanted = [load(name.strip()) for name in (CLASSES if names == "all" else names.split(","))]
    reasons = {engine.name: engine.missing() for engine in wanted}
    return [engine for engine in wanted if not reasons[engine.name]], {name: why for name, why in reasons.items() if why}
