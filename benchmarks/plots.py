"""Plots and tables of docs/performance.md from results: those of --results, by default the newest of each benchmark.

Writes docs/plots/*.svg, and in docs/performance.md everything between ``<!-- begin NAME -->`` and ``<!-- end NAME -->``; the text around stays.
The same results give the same bytes. A benchmark without results leaves a line that says so. With --folder, somewhere else than docs.
"""

import argparse
import json
import re
from pathlib import Path
from typing import Any

import figures
from tables import MISSING, TABLES, Results

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"(<!-- begin ([\w-]+) -->\n).*?(<!-- end \2 -->)", re.S)


def read_results(folder: Path) -> Results:
    """Benchmark name -> its results, of those that are there; of folders named by dates the last that has some."""
    paths = [*sorted(folder.glob("*/*.json")), *folder.glob("*.json")]
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths}


def newest() -> Path:
    """Where the results of all days lie."""
    return ROOT / "benchmarks" / "results"


def draw(results: Results, folder: Path) -> dict[str, list[str]]:
    """Write the plots; marker -> file names."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn: dict[str, list[str]] = {}
    for name, (benchmark, plot) in figures.PLOTS.items():
        if benchmark in results:
            for suffix, figure in plot(results[benchmark]):
                path = folder / f"{name}{suffix}.svg"
                figures.save(figure, path)
                drawn.setdefault(f"plot-{name}", []).append(path.name)
    return drawn


def filled(document: str, results: Results, drawn: dict[str, list[str]]) -> str:
    """The document with its blocks made anew; raises KeyError for a marker that nothing fills."""

    def fill(match: re.Match[str]) -> str:
        return f"{match[1]}{block(match[2], results, drawn)}\n{match[3]}"

    return BLOCK.sub(fill, document)


def block(name: str, results: Results, drawn: dict[str, list[str]]) -> str:
    if name.startswith("plot-"):
        benchmark, alternative = figures.PLOTS[name.removeprefix("plot-")][0], figures.ALTERNATIVES[name.removeprefix("plot-")]
        return "\n\n".join(f"![{alternative}](plots/{file})" for file in drawn.get(name, [])) if benchmark in results else MISSING
    benchmark, make = TABLES[name]
    return make(results) if benchmark in results else MISSING


def main(arguments: Any = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=newest())
    parser.add_argument("--folder", type=Path, default=ROOT / "docs")
    options = parser.parse_args(arguments)
    results = read_results(options.results)
    drawn = draw(results, options.folder / "plots")
    source = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    (options.folder / "performance.md").write_text(filled(source, results, drawn), encoding="utf-8")


if __name__ == "__main__":
    main()
