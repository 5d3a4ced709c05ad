"""``python benchmarks/suggest.py``: how long completing a prefix takes in a table of 500,000 entries, and what the table costs.

Titles of random syllables, half Chinese and half Latin, and 20,000 popular queries; prefixes of one to eight characters of random entries, in
letters, characters and pinyin. It says nothing about the HTTP service around it.
"""

import random
import time

import numpy as np

from searchd.pinyin import syllables
from searchd.suggestions import phrase_table

ENTRIES, POPULAR, ASKED = 500_000, 20_000, 20_000
HAN = "北京大学机器学习数据搜索引擎排序全文检索中文分词重庆火锅上海天气历史文化经济发展教育科技新闻音乐电影"
PARTS = ["ka", "lo", "mi", "tor", "ven", "sha", "pre", "con", "ble", "tion", "ing", "ram", "der", "sys", "net", "log", "par"]


def title(chance: random.Random) -> str:
    if chance.random() < 0.5:
        return "".join(chance.choices(HAN, k=chance.randint(4, 12)))
    return " ".join("".join(chance.choices(PARTS, k=chance.randint(1, 3))) for _ in range(chance.randint(2, 5)))


def main() -> None:
    chance = random.Random(5)
    titles = {one: one for one in (title(chance) for _ in range(ENTRIES + POPULAR))}
    texts = list(titles)
    popular = [(text, chance.randint(3, 5000)) for text in texts[:POPULAR]]
    started = time.process_time()
    table = phrase_table(popular, titles)
    print(f"made of {len(table):,} entries in {time.process_time() - started:.1f} s of CPU")
    prefixes = [one[: chance.randint(1, 8)] for one in chance.choices(texts, k=ASKED)]
    prefixes[::4] = ["".join("".join(way) for way in syllables(one[:3])[:1])[: chance.randint(2, 8)] or "ka" for one in prefixes[::4]]
    table.beginning("a", 8)
    times = np.empty(ASKED)
    for i, prefix in enumerate(prefixes):
        started_ns = time.thread_time_ns()
        table.beginning(prefix, 8)
        times[i] = (time.thread_time_ns() - started_ns) / 1000
    print(
        f"us a prefix: mean {times.mean():.0f}, p50 {np.percentile(times, 50):.0f}, p99 {np.percentile(times, 99):.0f}, max {times.max():.0f}"
    )


if __name__ == "__main__":
    main()
