"""``python benchmarks/suggest.py``: how long completing a prefix takes in a table of 500,000 entries, and what the table costs.

Titles of random syllables, half Chinese and half Latin, and 20,000 popular queries; prefixes of one to eight characters of random entries, in
letters, characters and pinyin; by themselves, and while a thread of the same process makes the table anew. Memory is that of the process: beyond what
it had, afterwards and at its peak. It says nothing about the HTTP service around it, where making a table also reads documents.
"""

import random
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import numpy as np

from searchd.pinyin import syllables
from searchd.suggestions import Table, phrase_table

ENTRIES, POPULAR, ASKED = 500_000, 20_000, 20_000
HAN = "北京大学机器学习数据搜索引擎排序全文检索中文分词重庆火锅上海天气历史文化经济发展教育科技新闻音乐电影"
PARTS = ["ka", "lo", "mi", "tor", "ven", "sha", "pre", "con", "ble", "tion", "ing", "ram", "der", "sys", "net", "log", "par"]


def title(chance: random.Random) -> str:
    if chance.random() < 0.5:
        return "".join(chance.choices(HAN, k=chance.randint(4, 12)))
    return " ".join("".join(chance.choices(PARTS, k=chance.randint(1, 3))) for _ in range(chance.randint(2, 5)))


def resident(name: str = "VmRSS") -> float:
    """Megabytes of this process."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) / 1024


def ask(table: Table, prefixes: list[str], clock: Callable[[], int]) -> np.ndarray:
    """Microseconds for each prefix by a clock of nanoseconds."""
    times = np.empty(len(prefixes))
    for i, prefix in enumerate(prefixes):
        started = clock()
        table.beginning(prefix, 8)
        times[i] = (clock() - started) / 1000
    return times


def ask_beside(table: Table, prefixes: list[str], work: Callable[[], object]) -> np.ndarray:
    """The same by the wall clock, again and again, while a thread works."""
    thread, found = Thread(target=work), []
    thread.start()
    while thread.is_alive():
        found.append(ask(table, prefixes[:200], time.perf_counter_ns))
    return np.concatenate(found)


def tell(what: str, times: np.ndarray) -> None:
    p50, p99 = np.percentile(times, [50, 99])
    print(f"us a prefix, {what}: mean {times.mean():.0f}, p50 {p50:.0f}, p99 {p99:.0f}, max {times.max():.0f}")


def main() -> None:
    chance = random.Random(5)
    titles = {one: one for one in (title(chance) for _ in range(ENTRIES + POPULAR))}
    texts = list(titles)
    popular = [(text, chance.randint(3, 5000)) for text in texts[:POPULAR]]
    phrase_table(popular[:10], {})  # kernels are loaded
    started, before = time.process_time(), resident()
    table = phrase_table(popular, titles)
    seconds, kept = time.process_time() - started, resident() - before
    print(f"made of {len(table):,} entries in {seconds:.1f} s of CPU; keeps {kept:.0f} MB, peak {resident('VmHWM') - before:.0f} MB")
    prefixes = [one[: chance.randint(1, 8)] for one in chance.choices(texts, k=ASKED)]
    prefixes[::4] = ["".join("".join(way) for way in syllables(one[:3])[:1])[: chance.randint(2, 8)] or "ka" for one in prefixes[::4]]
    table.beginning("a", 8)
    tell("CPU", ask(table, prefixes, time.thread_time_ns))
    tell("wall clock, while another table is made", ask_beside(table, prefixes, lambda: phrase_table(popular, titles)))


if __name__ == "__main__":
    main()
