"""A small home with every kind of column, texts in four scripts and a model that is active: what the search page can show, it shows here."""

import json
from pathlib import Path
from typing import Any

from trained_home import publish_small_models

from indexer.build import build
from indexer.home import Home
from indexer.schema import Schema

SCHEMA = Schema.from_dict(
    {
        "fields": {
            "title": {"type": "text", "weight": 2.0},
            "body": {"type": "text"},
            "subject": {"type": "keyword"},
            "language": {"type": "keyword"},
            "year": {"type": "integer"},
            "rating": {"type": "float"},
            "published_on": {"type": "date"},
            "free": {"type": "boolean"},
            "url": {"type": "stored"},
        }
    }
)
SUBJECTS = ("fruit", "garden", "kitchen", "market", "orchard", "health", "history", "trade", "science", "art")
WRITTEN = [
    ("zh-1", "苹果与香蕉的种植", "苹果和香蕉是常见的水果。苹果喜欢凉爽的气候，香蕉喜欢温暖湿润的气候。", "garden", "zh"),
    ("zh-2", "机器学习识别水果", "用机器学习的方法识别苹果、香蕉和樱桃的图片，准确率很高。", "science", "zh"),
    ("ar-1", "زراعة التفاح والموز", "التفاح والموز من الفواكه المعروفة، ويزرع التفاح (apple) في المناطق الباردة.", "garden", "ar"),
    ("he-1", "גידול תפוחים ובננות", "תפוח הוא פרי נפוץ, והבננה (banana) גדלה באקלים חם. 1234!", "garden", "he"),
    (
        "odd/../id ?#&",
        "<script>alert(1)</script> apple",
        "<img src=x onerror=alert(2)> apple \"' </p><svg/onload=alert(3)>",
        "<b>odd</b>",
        "en",
    ),
    ("long", "strengths" * 20, "banana " * 200, "a subject with a very long name that goes on and on and on", "en"),
]


def documents() -> list[dict[str, Any]]:
    """Sixty documents about fruit, and those that are written above."""
    made = [_document(n) for n in range(60)]
    return made + [dict(zip(("id", "title", "body", "subject", "language"), one)) | {"year": 2021, "free": True} for one in WRITTEN]


def _document(n: int) -> dict[str, Any]:
    fruits = ("apple", "banana", "cherry")
    fruit, other = fruits[n % 3], fruits[(n % 3 + 1 + n // 3 % 2) % 3]
    text = f"The {fruit} and the {other} are sold together. " + f"A {fruit} keeps for {n} days. " * (n % 4 + 1)
    return {
        "id": f"d{n}",
        "title": f"How to store {'an apple' if fruit == 'apple' else 'a ' + fruit}, part {n}" if n % 2 else f"Notes on {fruit} and {other}",
        "body": text,
        "subject": [SUBJECTS[n % len(SUBJECTS)], SUBJECTS[(n + 3) % len(SUBJECTS)]],
        "language": "en",
        "year": 1990 + n % 30,
        "rating": round(1 + n % 9 / 2.25, 2),
        "published_on": f"{1990 + n % 30}-{n % 12 + 1:02d}-{n % 28 + 1:02d}T12:00:00",
        "free": n % 2 == 0,
        **({"url": f"https://docs.example.org/fruit/{fruit}/{n}.html"} if n % 5 else {}),
    }


def make_page_home(folder: Path) -> Home:
    """Publish the documents and two models in a new home inside ``folder``."""
    source = folder / "documents.jsonl"
    source.write_text("".join(json.dumps(document) + "\n" for document in documents()), encoding="utf-8")
    home = Home.at(folder / "home")
    build(home, [str(source)], schema=SCHEMA)
    publish_small_models(home)
    return home
