"""The engines by name, ours first."""

from engines.base import Engine
from engines.bm25s_engine import Bm25sEngine
from engines.pisa_engine import PisaEngine, QuantizedPisaEngine
from engines.searchd_engine import SearchdEngine
from engines.sqlite_engine import SqliteEngine
from engines.tantivy_engine import TantivyEngine

ENGINES: dict[str, type[Engine]] = {
    engine.name: engine for engine in (SearchdEngine, TantivyEngine, PisaEngine, QuantizedPisaEngine, Bm25sEngine, SqliteEngine)
}
OURS = SearchdEngine.name


def available(names: str) -> tuple[list[type[Engine]], dict[str, str]]:
    """Those of a comma-separated list ("all") that can run here, and why the others cannot."""
    wanted = list(ENGINES) if names == "all" else [name.strip() for name in names.split(",")]
    reasons = {name: ENGINES[name].missing() for name in wanted}
    return [ENGINES[name] for name in wanted if not reasons[name]], {name: why for name, why in reasons.items() if why}
