"""``python benchmarks/lexicons.py [--lines 100000]``: CPU time of reading the files of a lexicon, and of making what queries use of them.

Words are drawn at random from one seed, so nearly all are new to the stemmer, which real lists are not: a bound, not an average. Stop words and user
words are read when an index is opened; synonyms also when their file changes.
"""

import argparse
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from indexer.analysis import get_analyzer
from indexer.lexicon import STOPWORDS, WORDS, read_lexicon
from searchd.synonyms import SYNONYMS, Synonyms, read_rules

LETTERS, FIRST, LAST = "abcdefghijklmnopqrstuvwxyz", 0x4E00, 0x9000


def latin(chance: random.Random) -> str:
    return "".join(chance.choices(LETTERS, k=chance.randint(3, 10)))


def han(chance: random.Random) -> str:
    return "".join(chr(chance.randrange(FIRST, LAST)) for _ in range(chance.randint(2, 5)))


def write(path: Path, lines: int, line: Callable[[random.Random], str]) -> None:
    chance = random.Random(1)
    path.write_text("\n".join(line(chance) for _ in range(lines)), "utf-8")


def rule(chance: random.Random) -> str:
    if chance.random() < 0.5:
        return f"{latin(chance)}, {han(chance)}, {latin(chance)} {latin(chance)}"
    return f"{latin(chance)} => {latin(chance)}, {han(chance)}"


def measured(what: str, task: Callable[[], Any]) -> Any:
    started = time.process_time()
    found = task()
    print(f"{what:40} {time.process_time() - started:.2f} s of CPU")
    return found


def main(lines: int) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        analyzer = get_analyzer("standard")
        analyzer.sequence("words 中文")
        write(folder / WORDS, lines, lambda chance: f"{han(chance)} {chance.randint(1, 9999)} n")
        measured("user words, read and checked", lambda: read_lexicon(folder))
        (folder / WORDS).unlink()
        write(folder / STOPWORDS, lines, latin)
        measured("stop words, read and checked", lambda: read_lexicon(folder))
        write(folder / SYNONYMS, lines, rule)
        rules = measured("synonyms, read and checked", lambda: read_rules(folder))
        measured("synonyms, analysed", lambda: Synonyms(rules, analyzer))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=100_000)
    main(parser.parse_args().lines)
