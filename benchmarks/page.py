"""``python benchmarks/page.py --home DIR``: how soon a reader sees results, in a real browser against a real server on this machine.

Each query of ``--queries`` (qid TAB text) is asked ``--rounds`` times: milliseconds, by the browser's own performance entries, from the start of
the navigation to the first byte, to the first paint with text (first-contentful-paint) and to the load event; the same for suggestions, from the key
to the list. Median, 95th percentile and maximum of all, and of the fastest round of each query, which other programs of the machine disturb least.
Beside it the paint of a line of text from the same server (``/health``), which is what the browser itself takes. Server and browser share the cores;
what a network adds is not in it.
"""

import argparse
import contextlib
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from browsers import launched_chromium
from web_server import running_server

ENTRIES = """() => new Promise((done) => {
  const tell = (paint) => {
    const [page] = performance.getEntriesByType("navigation");
    done([page.responseStart, paint, page.loadEventEnd]);
  };
  new PerformanceObserver((list) => list.getEntriesByName("first-contentful-paint").forEach((entry) => tell(entry.startTime)))
    .observe({ type: "paint", buffered: true });
  setTimeout(() => tell(NaN), 3000);
})"""
# The key is pressed and the list waited for inside the page, so that the driver's own delays are not counted.
SUGGESTED = """(text) => new Promise((done) => {
  const box = document.getElementById("q"), list = document.getElementById("suggestions");
  box.focus();
  const started = performance.now();
  new MutationObserver((_, observer) => { observer.disconnect(); requestAnimationFrame(() => done(performance.now() - started)); })
    .observe(list, { childList: true });
  box.value = text;
  box.dispatchEvent(new InputEvent("input"));
  setTimeout(() => done(NaN), 3000);
})"""
NAMES = ("first byte", "first results painted", "load event")


@contextlib.contextmanager
def opened(home: Path) -> Iterator[tuple[str, Any]]:
    """A server over a copy of ``home``, which its click log must not change, and a browser."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "home"
        shutil.copytree(home, copy)
        with running_server(copy, Path(folder)) as (base, _), launched_chromium() as browser:
            yield base, browser


def painted(page: Any, address: str) -> list[float]:
    """Milliseconds of one navigation, in the order of NAMES."""
    page.goto(address, wait_until="load")
    found: list[float] = page.evaluate(ENTRIES)
    return found


def told(name: str, values: Sequence[float]) -> str:
    """A line of the report."""
    ordered = sorted(value for value in values if value == value)
    ninety_fifth = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    return f"{name:>24}: median {statistics.median(ordered):6.1f} ms, p95 {ninety_fifth:6.1f}, maximum {ordered[-1]:6.1f}, n {len(ordered)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--queries", type=Path, default=Path("data/demo/queries.tsv"))
    parser.add_argument("--limit", type=int, default=20, help="queries of the file")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    lines = arguments.queries.read_text(encoding="utf-8").splitlines()[: arguments.limit]
    queries = [line.split("\t")[1] for line in lines]
    with opened(arguments.home) as (base, browser):
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(base)
        rounds, smallest = [], []
        for _ in range(arguments.rounds):
            rounds.append([painted(page, f"{base}/search?q={query}") for query in queries])
            smallest += [painted(page, f"{base}/health")[1] for _ in queries]
        for place, name in enumerate(NAMES):
            values = [[one[place] for one in asked] for asked in rounds]
            print(told(name, [value for asked in values for value in asked]))
            print(told("fastest of each query", [min(asked) for asked in zip(*values)]))
        print(told("a line of text painted", smallest))
        page.goto(base)
        print(told("suggestions (with 120)", [page.evaluate(SUGGESTED, query[:4]) for query in queries]))


if __name__ == "__main__":
    main()
