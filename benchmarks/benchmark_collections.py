"""The collections of the benchmarks, tokenised in the same way for every engine: white space stands between terms.

    arxiv     60,000 titles and abstracts as they are
    poems     211,026 Chinese poems, one character a term; more than that are bootstrapped
    english   any number of documents bootstrapped from the abstracts (default 500,000)

Bootstrapping, for want of larger real collections: a document is made of real sentences, half of them from one abstract, half from its
neighbours in the source (which is sorted by field and date), up to 0.4 of the length of a real abstract. The source is gone through in
passes, each from its beginning to its end, so that the order stays natural: neighbours resemble each other, and a sentence that is drawn
again comes back a whole pass later. Everything is drawn from one seed: the same arguments give the same bytes.

What this distorts, and what is done about it:
- vocabulary: sentences drawn again bring no new words, while real vocabularies keep growing (Heaps' law). So words that the source has in one or
  two documents are respelled in later passes (letters exchanged, length kept), as many of them as the growth measured within the
  source asks for. Respelled words cannot be found by real queries, and they look less regular than words.
- near-duplicates: at 500,000 documents each sentence stands in about five documents. No two documents are equal, but the best hits of
  a query are closer to each other than in life, and phrases have more of them.
- topics: the fields come round again in every pass, so a rare topic is spread over more of the collection than it would be.
`validate.py` measures what is left: real passages beside as many bootstrapped from a sixth of them.
"""

import gzip
import json
import math
import os
import random
import re
import sys
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

DATA = Path(os.environ.get("SEARCHD_SHARED_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")
FOLDERS = {"arxiv": "en-arxiv-60k", "english": "en-arxiv-60k", "poems": "zh-classical-poetry"}
SIZES = {"arxiv": 60_000, "english": 500_000, "poems": 211_026}
WORD = re.compile(r"[a-z0-9]+")
HAN = re.compile(r"[\u4e00-\u9fff]")
SENTENCE = re.compile(r"(?<=[.!?])\s+")
NEIGHBOURS = 3.0  # standard deviation, in documents of the source, of where sentences come from
LENGTH = {"english": 0.4, "poems": 1.0}
RARE = 2  # words of at most so many documents of the source are respelled
CONSONANTS, VOWELS, DIGITS = "bcdfghjklmnpqrstvwxyz", "aeiou", "0123456789"


class Piece(NamedTuple):
    """A sentence or a line of verse: its terms joined by spaces, and how many they are."""

    text: str
    length: int


def documents(collection: str, count: int, seed: int = 1) -> Iterator[str]:
    """``count`` texts; of ``arxiv`` at most those that there are."""
    real = SIZES[collection] if collection != "english" else 0
    if count <= real or collection == "arxiv":
        return (" ".join(pieces) for pieces in islice(read_pieces(collection), count))
    articles = [[Piece(text, text.count(" ") + 1) for text in pieces] for pieces in read_pieces(collection)]
    respelling = respelling_of(articles) if collection == "english" else None
    return bootstrapped(articles, count, LENGTH[collection], seed, respelling)


def read_pieces(collection: str) -> Iterator[list[str]]:
    """The title and the sentences (lines of verse) of each real document, tokenised; documents without a term are left out."""
    token, border = (HAN, re.compile("\n")) if collection == "poems" else (WORD, SENTENCE)
    with gzip.open(_path(collection), "rt", encoding="utf-8") as lines:
        for line in lines:
            document = json.loads(line)
            pieces = [document["title"], *border.split(document["body"])]
            tokenised = [" ".join(token.findall(piece.lower())) for piece in pieces]
            if any(tokenised):
                yield [piece for piece in tokenised if piece]


def _path(collection: str) -> Path:
    path = DATA / "corpora" / FOLDERS[collection] / "docs.jsonl.gz"
    if not path.exists():
        sys.exit(f"{path} is not here: this benchmark needs the development data (SEARCHD_SHARED_DATA)")
    return path


def titles(step: int) -> Iterator[str]:
    """The tokenised titles of every ``step``-th abstract."""
    with gzip.open(_path("arxiv"), "rt", encoding="utf-8") as lines:
        for line in islice(lines, 0, None, step):
            yield " ".join(WORD.findall(json.loads(line)["title"].lower()))


class Respelling(NamedTuple):
    """How a vocabulary grows: Heaps' exponent, the share of rare words in it, and each piece's rare words."""

    growth: float
    rare_share: float
    words: dict[str, tuple[str, ...]]


def respelling_of(articles: Sequence[Sequence[Piece]]) -> Respelling:
    """Measured within the articles: the vocabulary of every second one beside that of all."""
    df, half = vocabulary(articles), vocabulary(articles[::2])
    rare = {word for word, count in df.items() if count <= RARE}
    words = {p.text: found for pieces in articles for p in pieces if (found := tuple(w for w in p.text.split() if w in rare))}
    return Respelling(math.log2(len(df) / len(half)), len(rare) / len(df), words)


def vocabulary(articles: Sequence[Sequence[Piece]]) -> Counter[str]:
    """Words and how many documents have them."""
    return Counter(word for pieces in articles for word in {w for p in pieces for w in p.text.split()})


def bootstrapped(
    articles: Sequence[Sequence[Piece]], count: int, share: float, seed: int, respelling: Respelling | None = None
) -> Iterator[str]:
    """``count`` documents drawn from articles, ``share`` of a real length each; rare words respelled where that is asked for."""
    rng = random.Random(seed)
    passes = max(1, math.ceil(count / len(articles)))
    lengths = [sum(p.length for p in pieces) for pieces in articles]
    for number in range(count):
        sweep, place = divmod(number * passes, count)
        home = place * len(articles) // count
        drawn = _draw(articles, home, share * lengths[_near(rng, home, len(articles))], rng)
        if respelling is None or sweep == 0:
            yield " ".join(p.text for p in drawn)
        else:
            yield " ".join(_respelled(p.text, sweep, respelling) for p in drawn)


def _near(rng: random.Random, home: int, size: int) -> int:
    return min(size - 1, max(0, home + round(rng.gauss(0.0, NEIGHBOURS))))


def _draw(articles: Sequence[Sequence[Piece]], home: int, wanted: float, rng: random.Random) -> list[Piece]:
    """One or two adjacent pieces at a time, from the home article and its neighbours by turns."""
    drawn: list[Piece] = []
    length, number = 0, home
    while length < wanted or not drawn:
        pieces = articles[number]
        start = int(rng.random() * len(pieces))
        for piece in pieces[start : start + 1 + (rng.random() < 0.5)]:
            drawn.append(piece)
            length += piece.length
        number = home if number != home else _near(rng, home, len(articles))
    return drawn


def _respelled(text: str, sweep: int, respelling: Respelling) -> str:
    rare = respelling.words.get(text)
    if rare is None:
        return text
    probability = ((sweep + 1) ** respelling.growth - sweep**respelling.growth) / respelling.rare_share
    new = {w for w in rare if zlib.crc32(f"{sweep} {w}".encode()) < probability * 2**32}
    table = _spelling(sweep)
    return " ".join(w.translate(table) if w in new else w for w in text.split()) if new else text


def _spelling(sweep: int) -> dict[int, str]:
    """Letters turned by the number of the pass among their kind: another one for each of 210 passes."""
    turned = (kind[sweep % len(kind) :] + kind[: sweep % len(kind)] for kind in (CONSONANTS, VOWELS, DIGITS))
    return str.maketrans(CONSONANTS + VOWELS + DIGITS, "".join(turned))
