"""What axe-core finds wrong with a page: WCAG 2.2 A and AA, and axe's best practices."""

from typing import Any

import pytest

OPTIONS = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]},
    "resultTypes": ["violations"],  # what is right is checked too, but not described element by element
}


def faults_by_axe(page: Any) -> list[str]:
    """One line for each element that breaks a rule; the test that asks is skipped where axe is not installed."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    found = axe.Axe().run(page, options=OPTIONS).response["violations"]
    return [f"{one['id']}: {node['html'][:150]} {node['failureSummary']}" for one in found for node in one["nodes"]]
