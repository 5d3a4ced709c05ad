"""Where the development data lies; tests that need it are skipped, clearly, where it is absent."""

import os
from pathlib import Path

import pytest

ROOT = Path(os.environ.get("SEARCHD_SHARED_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")


def shared(path: str) -> Path:
    """The path of a development data set, or a skip of the calling test."""
    found = ROOT / path
    if not found.exists():
        pytest.skip(f"development data {path} is not here")
    return found
