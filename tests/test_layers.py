"""Imports run one way: searchd -> ranker -> indexer, and no module imports its own package's root."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
RANK = {"indexer": 0, "ranker": 1, "searchd": 2}
MODULES = sorted(path for package in RANK for path in (ROOT / package).rglob("*.py"))


def imported_modules(path):
    """Yield (line, module) of every import in a file, wherever it stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}:{node.lineno}: relative import; write the full name"
            yield node.lineno, node.module


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_run_downward(path):
    package = path.relative_to(ROOT).parts[0]
    for line, module in imported_modules(path):
        top = module.split(".")[0]
        if top in RANK:
            assert RANK[top] <= RANK[package], f"{path}:{line} imports {module}, which lies above {package}"
            assert module != package, f"{path}:{line} imports the root of its own package"


def test_builds_alone_start_processes_by_joblib():
    users = {
        path.relative_to(ROOT) for path in MODULES for _, module in imported_modules(path) if module.split(".")[0] in ("joblib", "loky")
    }
    assert users == {Path("indexer/batches.py")}
