"""A small real collection behind the real application, for the tests of the HTTP service and the page."""

import json
from pathlib import Path
from typing import Any

from indexer.build import build
from indexer.home import Home
from indexer.schema import Schema

SCHEMA = Schema.from_dict(
    {
        "fields": {
            "title": {"type": "text", "weight": 2.0},
            "body": {"type": "text"},
            "tag": {"type": "keyword"},
            "year": {"type": "integer"},
            "url": {"type": "stored"},
        }
    }
)
HOSTILE = {
    "id": "x1",
    "title": "<script>alert(1)</script> zebrafish",
    "body": "<img src=x onerror=alert(2)> zebrafish \"' </p><svg/onload=alert(3)>",
    "tag": "<b>hostile</b>",
    "url": "javascript:alert(4)",
    "year": 2001,
}
DOCUMENTS: list[dict[str, Any]] = [
    {
        "id": "library/re",
        "title": "re: regular expression operations",
        "body": "This module provides regular expression matching operations similar to those found in Perl.",
        "tag": "library",
        "year": 2020,
        "url": "https://docs.example.org/3/library/re.html",
    },
    {
        "id": "zh-1",
        "title": "正则表达式 re.sub 的用法",
        "body": "re.sub 用替换字符串替换正则表达式匹配到的全部内容。",
        "tag": "笔记",
        "year": 2024,
    },
    HOSTILE,
    {"id": "odd/../id ?#&", "title": "an odd id", "body": "platypus", "tag": "odd", "year": 1999},
    *(
        {
            "id": f"d{n}",
            "title": f"Notes on list comprehension {n}",
            "body": f"A list comprehension builds a list. Note {n}.",
            "tag": f"t{n % 3}",
            "year": 2000 + n,
        }
        for n in range(45)
    ),
    {
        "id": "loop-1",
        "title": "The event loop",
        "body": "An event loop runs coroutines and schedules callbacks.",
        "tag": "async",
        "year": 2021,
    },
    {
        "id": "loop-2",
        "title": "Coroutines",
        "body": "Coroutines are scheduled by an event loop, as callbacks are.",
        "tag": "async",
        "year": 2022,
    },
]


def make_home(folder: Path) -> Home:
    """Publish DOCUMENTS in a new home inside ``folder``."""
    source = folder / "documents.jsonl"
    source.write_text("".join(json.dumps(document) + "\n" for document in DOCUMENTS), encoding="utf-8")
    home = Home.at(folder / "home")
    build(home, [str(source)], schema=SCHEMA)
    return home


def hits_of(response: Any) -> list[str]:
    """Ids of the hits of a search response."""
    return [hit["id"] for hit in response.get_json()["hits"]]
