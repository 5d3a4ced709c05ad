"""Every benchmark runs on a tiny collection; what they compute from it is right. Skipped where the development data or tantivy are absent."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from shared_data import shared

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks"
sys.path.insert(0, str(FOLDER))

import plots  # noqa: E402
from benchmark_collections import Piece, bootstrapped, respelling_of  # noqa: E402
from engines.pisa_engine import spelled  # noqa: E402
from exact import Oracle  # noqa: E402
from measure import geometric_ratio, summary  # noqa: E402
from processes import run  # noqa: E402
from tables import MISSING, TABLES  # noqa: E402
from workspace import write_jsonl  # noqa: E402

ARTICLES = [[Piece(f"word{n % 7} common rare{n}", 3), Piece(f"second sentence of {n}", 4)] for n in range(50)]


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    pytest.importorskip("tantivy")
    shared("corpora/en-arxiv-60k/docs.jsonl.gz")
    return tmp_path_factory.mktemp("work")


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("build", ["--collections", "arxiv:100", "--rounds", "1", "--engines", "searchd,tantivy"]),
        ("size", ["--collections", "arxiv:100", "--engines", "searchd,tantivy,sqlite"]),
        ("retrieval", ["--collections", "arxiv:100", "--queries", "30", "--repeat", "1", "--engines", "searchd,tantivy,sqlite"]),
        ("threads", ["--collections", "arxiv:100", "--threads", "1,2", "--seconds", ".05", "--rounds", "1", "--queries", "30"]),
        pytest.param("analysis", ["--collections", "arxiv", "--bytes", "20000", "--rounds", "1"], marks=pytest.mark.slow),
        pytest.param("open", ["--collections", "arxiv:100", "--rounds", "1", "--engines", "searchd"], marks=pytest.mark.slow),
        ("scale", ["--collections", "arxiv:100", "--queries", "30", "--repeat", "1"]),
    ],
)
def test_a_benchmark_runs_and_leaves_its_results(work, capsys, program, words):
    output = work / "results"
    spec = importlib.util.spec_from_file_location(f"benchmark_{program}", FOLDER / f"{program}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.main(["--work", str(work), "--output", str(output), *words])
    results = json.loads((output / f"{program}.json").read_text())
    assert results["benchmark"] == program
    assert (output / f"{program}.txt").read_text().strip() in capsys.readouterr().out


def test_plots_and_tables_are_made_of_results(work, tmp_path):
    """Runs after the programs above, on what they left."""
    pytest.importorskip("matplotlib")
    results = plots.read_results(work / "results")
    if not {"retrieval", "size", "build", "scale"} <= set(results):
        pytest.skip("the benchmarks did not run")
    plots.main(["--results", str(work / "results"), "--folder", str(tmp_path)])
    document = (tmp_path / "performance.md").read_text()
    assert "| OR top 10 |" in document and "| arxiv, searchd |" in document
    for name in ("ratios-arxiv", "latencies-arxiv", "size-arxiv", "build-arxiv", "scale"):
        assert f"(plots/{name}.svg)" in document and (tmp_path / "plots" / f"{name}.svg").stat().st_size > 5000
    # validate did not run
    assert MISSING in document


def test_the_document_says_what_the_newest_results_say():
    results = plots.read_results(plots.newest())
    document = (FOLDER.parent / "docs" / "performance.md").read_text(encoding="utf-8")
    blocks = {name: body for _, name, body, _ in re.findall(r"(<!-- begin ([\w-]+) -->\n)(.*?)\n(<!-- end \2 -->)", document, re.S)}
    assert set(TABLES) <= set(blocks)
    stale = [name for name in TABLES if blocks[name] != plots.block(name, results, {})]
    assert not stale, f"run benchmarks/plots.py: {stale}"


def test_bootstrapped_documents_are_the_same_every_time_and_made_of_real_sentences():
    documents = list(bootstrapped(ARTICLES, 120, 1.0, seed=3))
    assert documents == list(bootstrapped(ARTICLES, 120, 1.0, seed=3))
    assert documents != list(bootstrapped(ARTICLES, 120, 1.0, seed=4))
    real = {piece.text for pieces in ARTICLES for piece in pieces}
    assert all(any(sentence in document for sentence in real) for document in documents)


def test_later_passes_bring_new_words():
    plain = {w for d in bootstrapped(ARTICLES, 500, 1.0, 3) for w in d.split()}
    growing = {w for d in bootstrapped(ARTICLES, 500, 1.0, 3, respelling_of(ARTICLES)) for w in d.split()}
    assert len(growing) > 1.5 * len(plain)
    assert {"common", "sentence"} <= growing


def test_agreement_with_exact_scores_takes_any_of_equal_documents(tmp_path):
    write_jsonl(tmp_path / "docs.jsonl", ["a b", "a b", "a", "c"])
    oracle = Oracle(tmp_path / "docs.jsonl", ["a"])
    assert np.argmax(oracle.scores("a")) == 2
    assert (oracle.agreement("a", [2, 0], 2), oracle.agreement("a", [2, 1], 2)) == (1.0, 1.0)
    assert oracle.agreement("a", [2, 3], 2) == 0.5
    assert oracle.agreement("a", [2, 1, 0], 10) == 1.0


def test_ratios_leave_out_what_was_not_asked():
    assert geometric_ratio(np.array([4.0, np.nan, 1.0]), np.array([1.0, 1.0, 1.0])) == pytest.approx(2.0)
    assert summary(np.array([1.0, np.nan, 3.0]))["queries"] == 2


def test_usage_counts_children():
    burn = "import time\nwhile time.process_time() < .3: pass"
    code = f"import subprocess, sys; data = b'x' * 50_000_000; subprocess.run([sys.executable, '-c', {burn!r}])"
    usage = run([sys.executable, "-c", code])
    assert usage.cpu_seconds >= 0.2 and usage.anonymous > 40_000_000
    with pytest.raises(subprocess.CalledProcessError):
        run([sys.executable, "-c", "raise SystemExit(3)"])


def test_words_for_pisa_are_ascii():
    assert (spelled("deep learning"), spelled("山 水")) == ("deep learning", "u5c71 u6c34")
