"""The two collections of the benchmarks, tokenised in the same way for every engine: white space stands between terms."""

import gzip
import json
import os
import random
import re
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

DATA = Path(os.environ.get("SEARCHD_SHARED_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")
WORD = re.compile(r"[a-z0-9]+")
HAN = re.compile(r"[\u4e00-\u9fff]")


def texts(collection: str, limit: int) -> list[str]:
    """Pre-tokenised texts: English words of arXiv abstracts, or single characters of Chinese poems."""
    path = DATA / "corpora" / {"arxiv": "en-arxiv-60k", "poems": "zh-classical-poetry"}[collection] / "docs.jsonl.gz"
    if not path.exists():
        sys.exit(f"{path} is not here: this benchmark needs the development data (SEARCHD_SHARED_DATA)")
    token = WORD if collection == "arxiv" else HAN
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        documents = map(json.loads, islice(lines, limit))
        return [" ".join(token.findall(f"{d['title']} {d['body']}".lower())) for d in documents]


def queries(collection: str, corpus: list[str], count: int) -> list[str]:
    """Real web queries in English; in Chinese, spans of 2 to 5 characters of the poems themselves (seed 7)."""
    known = set().union(*(text.split() for text in corpus))
    source = _web_queries() if collection == "arxiv" else _spans(corpus)
    cleaned = (list(dict.fromkeys(word for word in words if word in known)) for words in source)
    return [" ".join(words) for words in islice((w for w in cleaned if 1 <= len(w) <= 8), count)]


def _web_queries() -> Iterator[list[str]]:
    with gzip.open(DATA / "queries/en-trec-million-query.tsv.gz", "rt", encoding="utf-8") as lines:
        for line in islice(lines, 0, None, 40):
            yield WORD.findall(line.split("\t", 1)[1].lower())


def _spans(corpus: list[str]) -> Iterator[list[str]]:
    rng = random.Random(7)
    while True:
        words = rng.choice(corpus).split()
        start = rng.randrange(max(1, len(words) - 5))
        yield words[start : start + rng.randint(2, 5)]


def write_jsonl(path: Path, corpus: list[str]) -> None:
    with open(path, "w", encoding="utf-8") as out:
        for number, text in enumerate(corpus):
            out.write(json.dumps({"id": str(number), "text": text}, ensure_ascii=False) + "\n")
