"""Text to terms, and text to a published index: MB/s of UTF-8, beside jieba, rjieba, bm25s and tantivy.

Measured in one process, by its CPU time; all rows of a table take turns within one run, the fastest round counts. *Segmenter*: Han text to words
with the hidden Markov model; ours as builds use it (a batch of folded texts at once, numbers as output) and text by text (Python lists, as
jieba and rjieba return). *Analyser*: texts to numbers of terms in batches of 8 MB, as builds do. *Queries*: microseconds for the terms of one.
*Builds*: whole processes from JSONL to an index on disk, with imports; CPU seconds of all of them. jieba reads a sample, being slow.

Cannot show: what other processes on the machine do to memory and caches, which slows kernels with large tables most; other kinds of text;
quality. tantivy is fed words that our segmenter found, or texts to cut at spaces, at no charge; bm25s stores neither positions nor documents, we
store both. Of rjieba (optional: ``pip install rjieba``) the words differ from jieba's in under 1 % of documents.
"""

import gzip
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from benchmark_collections import DATA
from measure import Report, argument_parser, note
from processes import run
from workspace import Workspace, workspace

from indexer.folding import fold
from indexer.han import Segmenter
from indexer.han_kernels import segment
from indexer.interning import new_names
from indexer.lexicon import Lexicon
from indexer.memory import keep_freed
from indexer.standard import StandardAnalyzer
from indexer.strings import pack
from indexer.swar import PADDING
from indexer.texts import Texts

FOLDERS = {"poems": "corpora/zh-classical-poetry", "news": "retrieval/zh-cmrc2018", "arxiv": "corpora/en-arxiv-60k"}
CHINESE = ("poems", "news")
QUERIES = ["deep learning for image retrieval", "search engine with fast ranking", "机器学习入门教程推荐", "python 机器学习 教程 入门 推荐"]
BATCH = 8 << 20
SAMPLE = 100_000  # characters for jieba
REPEATS = 2000
Row = tuple[str, int, Callable[[], object]]


def texts_of(name: str, limit: int) -> list[str]:
    """The first texts of a collection, all their fields but the id, up to so many bytes."""
    found, size = [], 0
    with gzip.open(DATA / FOLDERS[name] / "docs.jsonl.gz", "rb") as lines:
        for line in lines:
            fields = orjson.loads(line)
            found.append("\n".join(str(value) for key, value in fields.items() if key != "id"))
            size += len(found[-1].encode())
            if size >= limit:
                break
    return found


def rounds_of(rows: Sequence[Row], rounds: int) -> dict[str, float]:
    """Row -> MB/s of its fastest round; every row has run once before."""
    best = {name: np.inf for name, _, _ in rows}
    for number in range(rounds + 1):
        for name, _, action in rows:
            start = time.process_time()
            action()
            if number:
                best[name] = min(best[name], time.process_time() - start)
    return {name: round(size / best[name] / 1e6, 2) for name, size, _ in rows}


def size_of(texts: Sequence[str]) -> int:
    return sum(len(text.encode()) for text in texts)


def segmenters(name: str, limit: int) -> Iterator[Row]:
    folded = [re.sub(r"\s+", " ", fold(text)) for text in texts_of(name, limit)]
    joined, segmenter = "\n".join(folded), Segmenter()
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
    yield "searchd, batches", len(joined.encode()), lambda: segment(codes, False, True, *segmenter.tables)
    yield "searchd, a text at a time", size_of(folded), lambda: [segmenter.words(text) for text in folded]
    try:
        import rjieba

        yield "rjieba", size_of(folded), lambda: [rjieba.cut(text) for text in folded]
    except ImportError:
        note("rjieba is not installed")
    sample = joined[:SAMPLE]
    yield "jieba", len(sample.encode()), lambda: jieba_tokenizer().lcut(sample)


_TOKENIZERS: list[Any] = []


def jieba_tokenizer() -> Any:
    """jieba without its cache in a shared temporary folder."""
    if not _TOKENIZERS:
        import jieba

        tokenizer = jieba.Tokenizer()
        tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
        tokenizer.initialized = True
        _TOKENIZERS.append(tokenizer)
    return _TOKENIZERS[0]


def analysers(limit: int) -> Iterator[Row]:
    analyzer = StandardAnalyzer(Lexicon())
    for name in FOLDERS:
        batch = batch_of(texts_of(name, min(limit, BATCH)))
        yield f"{name}, full analysis", int(batch.stops[-1]), lambda batch=batch: analyzer.number_terms(batch, new_names())


def batch_of(texts: Sequence[str]) -> Texts:
    packed = pack(texts)
    data = np.concatenate([packed.data, np.zeros(PADDING, np.uint8)])
    return Texts(data, packed.offsets[:-1].copy(), packed.offsets[1:].copy(), np.arange(len(texts) + 1))


def queries(rounds: int) -> dict[str, float]:
    """Microseconds for the terms of each query."""
    analyzer = StandardAnalyzer(Lexicon())
    rows = [(query, 1, lambda query=query: [analyzer.query_terms(query) for _ in range(REPEATS)]) for query in QUERIES]
    best = dict.fromkeys(QUERIES, np.inf)
    for _ in range(rounds + 1):
        for query, _, action in rows:
            start = time.process_time()
            action()
            best[query] = min(best[query], (time.process_time() - start) / REPEATS * 1e6)
    return {query: round(value, 1) for query, value in best.items()}


def builds(place: Workspace, name: str, limit: int) -> dict[str, dict[str, float]]:
    """Row -> seconds and CPU seconds of a build, once each."""
    language = "chinese" if name in CHINESE else "english"
    texts = texts_of(name, limit)
    raw, cut = place.folder / f"{name}.jsonl", place.folder / f"{name}-cut.jsonl"
    write(raw, texts)
    write(cut, (tokenised(texts) if language == "chinese" else texts))
    here = Path(__file__).parent
    commands = {
        "searchd": [sys.executable, "-m", "indexer", "build", str(raw), "--home", str(place.folder / "home")],
        "tantivy, tokenised": [sys.executable, str(here / "build_one.py"), "tantivy", str(cut), str(place.folder / "tantivy")],
        "jieba + bm25s": [sys.executable, str(here / "peer_pipeline.py"), language, str(raw), str(place.folder / "bm25s")],
    }
    found = {}
    # Kernels are compiled once after an installation, not in every build.
    warm = place.folder / "warm.jsonl"
    write(warm, texts[:200])
    run([sys.executable, "-m", "indexer", "build", str(warm), "--home", str(place.folder / "warm")])
    for row, command in commands.items():
        note(f"{name}: {row}")
        usage = run(command)
        found[row] = {"seconds": round(usage.seconds, 2), "cpu_seconds": round(usage.cpu_seconds, 2)}
    for folder in ("home", "warm", "tantivy", "bm25s"):
        shutil.rmtree(place.folder / folder, ignore_errors=True)
    return found


def write(path: Path, texts: Sequence[str]) -> None:
    with open(path, "wb") as out:
        out.writelines(orjson.dumps({"id": str(number), "text": text}) + b"\n" for number, text in enumerate(texts))


def tokenised(texts: Sequence[str]) -> list[str]:
    segmenter = Segmenter()
    return [" ".join(folded[a:b] for a, b in segmenter.words(folded)) for folded in map(fold, texts)]


def tell(report: Report, title: str, figures: dict[str, float], unit: str, base: str = "") -> None:
    report.say(f"\n{title}")
    rows = [[name, f"{value:,.1f}", f"{value / figures[base]:,.1f}" if base in figures else "-"] for name, value in figures.items()]
    report.table(["", unit, f"x {base}" if base else ""], rows if base else [[name, value, ""] for name, value, _ in rows])


def main(arguments: Sequence[str]) -> None:
    parser = argument_parser(__doc__, "poems,arxiv")
    parser.add_argument("--bytes", type=int, default=64 << 20, help="of texts of a collection, for builds [%(default)s]")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(arguments)
    keep_freed()
    report = Report("analysis", options.output)
    report.results["limit_bytes"] = options.bytes
    report.say(f"at most {options.bytes / 1e6:.0f} MB of each collection; load of the machine {report.results['load']}")
    for name in CHINESE:
        figures = rounds_of(list(segmenters(name, min(options.bytes, BATCH))), options.rounds)
        report.results[f"segmenter {name}"] = figures
        tell(report, f"segmenter, {name}", figures, "MB/s", "jieba")
    report.results["analyser"] = rounds_of(list(analysers(options.bytes)), options.rounds)
    tell(report, "analyser, in batches", report.results["analyser"], "MB/s")
    report.results["queries"] = queries(options.rounds)
    tell(report, "terms of a query", report.results["queries"], "us")
    with workspace(options.work) as place:
        for name in options.collections.split(","):
            report.results[f"build {name}"] = found = builds(place, name, options.bytes)
            tell(report, f"build, {name}", {row: usage["cpu_seconds"] for row, usage in found.items()}, "CPU s", "searchd")
    report.save()


if __name__ == "__main__":
    main(sys.argv[1:])
