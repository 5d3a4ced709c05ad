"""What the benchmarks share: arguments, times, summaries, tables, results on disk."""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

PERCENTILES = (1, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99, 99.5)


def argument_parser(description: str, collections: str) -> argparse.ArgumentParser:
    """The arguments that all benchmarks have."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--collections", default=collections, help="NAME or NAME:DOCUMENTS, several with commas [%(default)s]")
    parser.add_argument("--work", type=Path, metavar="DIR", help="keep collections and indexes there, and use those that are there")
    parser.add_argument("--output", type=Path, metavar="DIR", help="write the results there as JSON and text")
    return parser


class Report:
    """Lines for people, figures for programs; both are kept when ``output`` is a folder."""

    def __init__(self, name: str, output: Path | None) -> None:
        self.name, self.output = name, output
        self.lines: list[str] = []
        self.results: dict[str, Any] = {"benchmark": name, **environment()}

    def say(self, text: str = "") -> None:
        print(text, flush=True)
        self.lines.append(text)

    def table(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Columns wide enough for what is in them; the first is aligned to the left, figures to the right."""
        widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
        for row in [header, *rows]:
            self.say("  ".join(cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths))).rstrip())

    def save(self) -> None:
        if self.output is None:
            return
        self.output.mkdir(parents=True, exist_ok=True)
        (self.output / f"{self.name}.json").write_text(
            json.dumps(self.results, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8"
        )
        (self.output / f"{self.name}.txt").write_text("\n".join(self.lines) + "\n", encoding="utf-8")


def environment() -> dict[str, Any]:
    """The machine and the day."""
    return {
        "date": date.today().isoformat(),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "python": platform.python_version(),
        "system": platform.platform(),
        "load": round(os.getloadavg()[0], 2),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def cpu_microseconds(action: Callable[..., object], *arguments: object) -> float:
    """CPU time of the whole process, so that helper threads of an engine count too."""
    start = time.process_time_ns()
    action(*arguments)
    return (time.process_time_ns() - start) / 1e3


def summary(times: np.ndarray) -> dict[str, Any]:
    """Mean and percentiles of microseconds; NaN are queries that were not asked."""
    asked = times[~np.isnan(times)]
    at = np.percentile(asked, PERCENTILES)
    return {
        "queries": len(asked),
        "mean": round(float(asked.mean()), 2),
        **{f"p{p}": round(float(np.percentile(asked, p)), 2) for p in (50, 95, 99)},
        "percentiles": {str(p): round(float(value), 2) for p, value in zip(PERCENTILES, at)},
    }


def geometric_ratio(slower: np.ndarray, faster: np.ndarray) -> float:
    """Geometric mean of slower / faster over the queries that both were asked."""
    asked = ~(np.isnan(slower) | np.isnan(faster))
    return float(np.exp(np.mean(np.log(slower[asked] / faster[asked]))))


def microseconds(value: float) -> str:
    return f"{value:,.1f}" if value < 1000 else f"{value:,.0f}"


def note(text: str) -> None:
    """Progress, apart from results."""
    print(text, file=sys.stderr, flush=True)
