"""Fixtures that several test modules share."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).resolve().parent))

import examples  # noqa: E402, F401 - found by the path above; its profiles are loaded below
from browsers import launched_chromium  # noqa: E402


def _no_waiting_for_the_disk(descriptor: int) -> None:
    """In place of ``os.fsync`` in the tests' own process: no test cuts the power.

    What a power cut leaves is worked out from the operations in their order (``power_cuts.py``), a SIGKILL takes nothing from the kernel's memory,
    and the programs that tests start do wait.
    """
    os.fstat(descriptor)  # as bad a descriptor is refused


os.fsync = _no_waiting_for_the_disk

LONG_FIRST = ("test_damage.py", "test_reindex.py", "test_changes.py", "test_shell_blocks.py", "test_xss.py", "test_writer.py")
"""Files whose few tests take long; begun last, they would leave all workers but one without work."""


def pytest_configure(config):
    settings.load_profile("quick" if "not slow" in config.getoption("markexpr") else "whole")


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.path.name not in LONG_FIRST)


@pytest.fixture(scope="module")
def chromium():
    """A browser for the tests of a file."""
    with launched_chromium() as browser:
        yield browser
