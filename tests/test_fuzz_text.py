"""Any string through analysis, index, search and highlights: nothing raises, nothing grows without bound."""

import html
import json
import random
import re
import time
import unicodedata

import pytest
from text_home import SCHEMA, Texts

from indexer.analysis import get_analyzer
from indexer.documents import Document
from indexer.inverter import invert
from indexer.tokens import IndexTerms

STANDARD = get_analyzer("standard")
SPECIAL = [
    "\ud800",
    "\udc00",
    "\ud83d",
    "\x00",
    "\x01",
    "\x02",
    "\x03",
    "\ufdfa",
    "\u202e",
    "\u2066",
    "\u200f",
    "\u0301",
    "\u0345",
    "\u200d",
    "\ufe0f",
]
SPECIAL += [
    "㍿",
    "ﬃ",
    "İ",
    "ß",
    "ẞ",
    "ŉ",
    "가",
    "\u1100",
    "\u1161",
    "\u11a8",
    "ｶ",
    "ﾞ",
    "🇨",
    "👩",
    "🏽",
    "\U000e0061",
    "\r\n",
    "\u2028",
    "\uffff",
    "\U0010ffff",
]
WORDS = [
    "the",
    "re.sub",
    "1,000",
    "机器学习",
    "國際",
    "iPhone15",
    "getElementById",
    "o'clock",
    "C++",
    "a@b.c",
    "데이터",
    "カタカナ",
    "<mark>",
    "&lt;",
]
SIGNS = ['"', "(", ")", "-", "*", ":", " OR ", "'", ",", ".", "_", "@", "&", "#", "+", " ", "\t"]


def random_text(chance: random.Random) -> str:
    """A string of one of several kinds; all of Unicode occurs, runs of one character too."""
    kind = chance.random()
    if kind < 0.1:
        return chance.choice(SPECIAL + WORDS + SIGNS) * chance.randint(1, 300)
    pools = [SPECIAL, WORDS, SIGNS, [chr(chance.randrange(0x110000)) for _ in range(8)], [chr(chance.randrange(0x3000)) for _ in range(8)]]
    pools += [[chr(chance.randrange(0x4E00, 0xA000)) for _ in range(4)]]
    return "".join(chance.choice(chance.choice(pools)) for _ in range(chance.randint(0, 30)))


def check_analysis(text: str) -> None:
    """All sides of the analysis agree, and no text makes more terms than a few for each of its folded characters."""
    found: IndexTerms = STANDARD.index_terms(text)
    tokens, query = STANDARD.tokens(text), STANDARD.query_terms(text)
    assert len(tokens) == len(found.sequence) + len(found.extra)
    # One character may become eighteen (U+FDFA); each is in one place of the sequence, in two pairs and in few words.
    assert len(tokens) <= 5 * 18 * len(text) and len(query) <= len(tokens)
    assert all(0 <= token.start < token.end <= len(text) and len(token.term) <= 101 for token in tokens)


def check_page(texts: Texts, query: str) -> None:
    """A search answers, and what it shows is the text."""
    # A query may have 512 characters, and one of Unicode becomes 18.
    query = query[:500] if len(unicodedata.normalize("NFKC", query[:500])) < 500 else query[:28]
    for hit in texts.engine.search(query, limit=3, crop_length=80).hits:
        whole, marked = hit.document["text"], hit.highlights["text"]
        assert re.fullmatch(r"(?:[^<]|<mark>[^<]+</mark>)*", marked, re.DOTALL)
        shown = html.unescape(marked.replace("<mark>", "").replace("</mark>", ""))
        assert shown in whole and len(shown) <= 80


def fuzz(folder, count: int) -> None:
    chance = random.Random(20)
    texts = [random_text(chance) for _ in range(count)]
    for text in texts:
        check_analysis(text)
    invert([Document(str(i), {"text": text}) for i, text in enumerate(texts)], SCHEMA)
    home = Texts(folder, texts)
    for text in texts:
        check_page(home, text)


def test_random_strings_pass_through_everything(tmp_path):
    fuzz(tmp_path, 700)


@pytest.mark.slow
def test_a_hundred_thousand_random_strings_pass_through_everything(tmp_path):
    fuzz(tmp_path, 100_000)


@pytest.mark.parametrize(
    "piece", ["\ufdfa", "\u0301", "机", "a", "a.", "1,000,", "'", "\ud800", "\u200d", "한", "㍿", "\U0001f1e8", "a_", "U.", "\x02"]
)
def test_long_runs_of_one_thing_take_time_by_their_length(tmp_path, piece):
    text, few = piece * (50_000 // len(piece)), piece * (20 // len(piece))
    texts = Texts(tmp_path, [text, json.dumps(text)])
    # Twice: the first time kernels may be compiled.
    for _ in range(2):
        started = time.process_time()
        check_analysis(text[:5_000])
        for query in (few, f'"{few}" {piece}*', f"-{few} {piece}"):
            check_page(texts, query)
        spent = time.process_time() - started
    assert spent < 10
