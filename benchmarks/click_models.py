"""``python benchmarks/click_models.py``: how well each click model foretells clicks it has not seen, and how fast it learns.

Real log: the first three quarters of each query's sessions are learned from, the rest foretold. Log-likelihood and perplexity as PyClick computes
them (mean over sessions and ranks; the chance given the clicks above, and the chance alone), once over all sessions and once as the mean of the
queries' means, since three queries have four fifths of the sessions. Speed: EM over simulated sessions that lie on disk and are read block by block,
each model in a process of its own; memory is what that process had for itself, the interpreter and the kernels (about 150 MB) with it.

What this cannot show: the sample has 20 queries, whose sessions repeat a few lists, so rows hardly move between ranks and models that split a click
into position and document cannot earn much; nothing here says which model's relevance is right, for nobody judged these documents
(benchmarks/ltr.py asks that of simulated users).
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from click_logs import RealLog, as_log, as_sessions, first_of_each_query, read_yandex, simulated_blocks
from measure import Report, note
from processes import run

from ranker.browsing_models import PBM, UBM, AllPairs, TrustBias
from ranker.click_models import COEC, ClickModel, NaiveCTR, RankCTR
from ranker.reading_models import DBN, DCM, SDBN, Cascade
from ranker.session_store import StoredSessions, store_sessions

MODELS: dict[str, ClickModel] = {
    "rank CTR": RankCTR(),
    "document CTR": NaiveCTR(),
    "COEC": COEC(),
    "cascade": Cascade(),
    "DCM": DCM(),
    "SDBN": SDBN(),
    "AllPairs": AllPairs(),
    "PBM, harvested": PBM(),
    "PBM, EM": PBM("em"),
    "trust bias": TrustBias(),
    "UBM": UBM(),
    "DBN": DBN(),
}
SHARE = 0.75
TIMED = ("document CTR", "SDBN", "PBM, EM", "trust bias", "UBM", "DBN")
RANKS_SHOWN = (1, 3, 10)


def foretold(model: ClickModel, log: RealLog) -> dict[str, Any]:
    """Scores of one model on the sessions it did not learn from."""
    learned = first_of_each_query(log, SHARE)
    start = time.process_time()
    model.fit(as_log(log, learned))
    seconds = time.process_time() - start
    rest = as_sessions(log.rows[~learned], log.clicked[~learned])
    by_query = [as_sessions(log.rows[own], log.clicked[own]) for own in _sessions_by_query(log, ~learned)]
    perplexity = model.perplexity(rest)
    return {
        "log_likelihood": model.log_likelihood(rest),
        "perplexity": float(perplexity.mean()),
        "perplexity_by_rank": [round(float(value), 4) for value in perplexity],
        "query_log_likelihood": float(np.mean([model.log_likelihood(s) for s in by_query])),
        "query_perplexity": float(np.mean([model.perplexity(s).mean() for s in by_query])),
        "cpu_seconds": seconds,
    }


def _sessions_by_query(log: RealLog, chosen: np.ndarray) -> list[np.ndarray]:
    masks = [chosen & (log.session_query == query) for query in range(len(log.queries))]
    return [mask for mask in masks if mask.any()]


def tell_foretold(report: Report, log: RealLog) -> None:
    report.say(f"Yandex sample: {len(log.rows):,} sessions of {len(log.queries)} queries, {SHARE:.0%} learned from, the rest foretold")
    header = ["model", "log-likelihood", "perplexity", *(f"rank {k}" for k in RANKS_SHOWN), "by query: LL", "perplexity", "CPU s"]
    rows = []
    for name, model in MODELS.items():
        found = report.results["yandex"][name] = foretold(model, log)
        ranks = [f"{found['perplexity_by_rank'][k - 1]:.3f}" for k in RANKS_SHOWN]
        means = [f"{found[key]:.4f}" for key in ("log_likelihood", "perplexity")]
        queries = [f"{found[key]:.4f}" for key in ("query_log_likelihood", "query_perplexity")]
        rows.append([name, *means, *ranks, *queries, f"{found['cpu_seconds']:.2f}"])
    report.table(header, rows)


def learn_stored(told: Path, name: str, folder: Path, num_rows: int) -> None:
    """Fit one model on stored sessions and write where it has come to: in a process of its own, whose memory is looked at from outside."""
    store = StoredSessions(folder, num_rows, num_ranks=10)
    start = time.process_time()
    model = MODELS[name].fit(store)
    seconds = time.process_time() - start
    likelihood = np.mean([model.log_likelihood(block) for block in store.blocks()])
    told.write_text(json.dumps({"cpu_seconds": seconds, "log_likelihood": float(likelihood), "passes": getattr(model, "iterations", 1)}))


def tell_speed(report: Report, sessions: int, folder: Path) -> None:
    queries = max(sessions // 100, 10)
    note(f"writing {sessions:,} simulated sessions")
    store = store_sessions(folder, simulated_blocks(sessions, queries), queries * 15, num_ranks=10)
    report.say()
    report.say(f"EM over {len(store):,} stored sessions of ten documents, {store.num_rows:,} rows, one thread")
    rows = []
    for name in TIMED:
        note(name)
        told = folder / "told.json"
        words = ["--one", name, "--store", str(folder), "--rows", str(store.num_rows), "--told", str(told)]
        usage = run([sys.executable, __file__, *words])
        found = json.loads(told.read_text()) | {"wall_seconds": usage.seconds, "anonymous_bytes": usage.anonymous}
        report.results["speed"][name] = found
        passes, seconds = found["passes"], found["cpu_seconds"]
        figures = [str(passes), f"{seconds:.1f}", f"{seconds / passes:.2f}", f"{usage.seconds:.1f}", f"{usage.anonymous / 2**20:.0f}"]
        rows.append([name, *figures, f"{found['log_likelihood']:.4f}"])
    report.table(["model", "passes", "CPU s", "a pass", "wall s", "MiB", "log-likelihood"], rows)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=10_000_000, help="simulated sessions of the speed part, 0 for none [%(default)s]")
    parser.add_argument("--work", type=Path, metavar="DIR", help="write the simulated sessions there (60 bytes each)")
    parser.add_argument("--output", type=Path, metavar="DIR", help="write the results there as JSON and text")
    for name in ("--one", "--store", "--rows", "--told"):
        parser.add_argument(name, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.one:
        learn_stored(Path(options.told), options.one, Path(options.store), int(options.rows))
        return
    report = Report("click_models", options.output)
    report.results |= {"yandex": {}, "speed": {}}
    tell_foretold(report, read_yandex())
    if options.sessions:
        with tempfile.TemporaryDirectory(prefix="benchmark-", dir=options.work) as folder:
            tell_speed(report, options.sessions, Path(folder))
    report.save()


if __name__ == "__main__":
    main()
