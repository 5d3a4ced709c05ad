"""What chance chooses for a home under test: documents, lexicons, questions and disturbances."""

import hypothesis.strategies as st

from indexer.schema import Schema

SCHEMA = Schema.from_dict(
    {
        "fields": {
            "title": {"type": "text", "weight": 2.0},
            "body": {"type": "text"},
            "year": {"type": "integer"},
            "tag": {"type": "keyword"},
        }
    }
)
# No word is a stem of another, so the model may compare words; but other words have their parts.
WORDS = ("apple", "banana", "cherry", "dragon")
RELATED = ("waterfall", "waterfront", "underwater")
HAN = ("云原生", "平台", "机器学习")
QUERIES = (*WORDS, "原生", "机器")
# What is compared with a fresh build, besides: words together, a phrase, what is mistyped or pinyin.
MORE = (
    "apple 云原生平台 banana",
    "waterfall",
    "water",
    '"apple banana"',
    "bannana",
    "waterfal cherry",
    "云原声",
    "jiqixuexi",
    "dra*",
    "apple -banana",
)
LEXICONS = ((), ("云原生",), ("云原生", "原生平台"))
CLIENTS = ("c0", "c1", "c2")

texts = st.lists(st.sampled_from((*WORDS, *RELATED, *HAN)), max_size=4).map(" ".join)
keys = st.integers(0, 9).map(lambda n: f"key-{n}")
documents = st.builds(
    lambda key, title, body, year: {"id": key, "title": title, "body": body, "year": year, "tag": [f"t{year % 3}"]},
    keys, texts, texts, st.integers(2000, 2003),
)  # fmt: skip
some_documents = st.lists(documents, min_size=1, max_size=5, unique_by=lambda one: one["id"])
some_keys = st.lists(keys, max_size=3, unique=True)
points = st.integers(1, 40)
disturbances = st.none() | st.tuples(st.sampled_from(("read", "killed", "torn", "full", "full once", "broken")), points)
