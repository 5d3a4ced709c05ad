"""A small real home in English, Chinese and both, with columns; built once a test module, and the plain documents for oracles."""

import random
from pathlib import Path

import orjson

from indexer.build import build
from indexer.home import Home
from indexer.schema import Schema, load_schema

SCHEMA_TOML = """
id_field = "id"
[fields.title]
type = "text"
weight = 2.0
[fields.body]
type = "text"
[fields.code]
type = "text"
analyzer = "whitespace"
[fields.year]
type = "integer"
[fields.price]
type = "float"
[fields.tag]
type = "keyword"
[fields.open]
type = "boolean"
"""
# None of these words is a stem of another, a code or a stop word, so an oracle may compare lower-case words.
WORDS = ["apple", "banana", "cherry", "dragon", "engine", "forest", "garden", "harbor", "island", "jungle", "kitten", "lantern"]
HAN = "机器学习数据搜索引擎排序"
TAGS = ("red", "green", "blue", "dark blue")


def documents(count: int = 120, seed: int = 7) -> list[dict]:
    """Random documents over few words, so that every combination occurs."""
    chance = random.Random(seed)
    return [_document(i, chance) for i in range(count)]


def _document(i: int, chance: random.Random) -> dict:
    found: dict = {"id": f"k{i}", "title": _text(chance, 1, 4), "body": _text(chance, 3, 14)}
    if chance.random() < 0.3:
        found["code"] = " ".join(chance.choices(["X-1", "Y-2", "z"], k=chance.randint(1, 3)))
    if chance.random() < 0.8:
        found["year"] = chance.randint(2018, 2022)
    if chance.random() < 0.7:
        found["price"] = chance.choice([0.5, 1.0, 2.5, -3.0])
    if chance.random() < 0.8:
        found["tag"] = chance.sample(TAGS, chance.randint(0, 2))
    if chance.random() < 0.5:
        found["open"] = chance.random() < 0.5
    return found


def _text(chance: random.Random, low: int, high: int) -> str:
    parts = []
    for _ in range(chance.randint(low, high)):
        start = chance.randrange(len(HAN) - 1)
        parts.append(HAN[start : start + chance.randint(1, 4)] if chance.random() < 0.25 else chance.choice(WORDS))
    return " ".join(parts)


def schema_at(folder: Path) -> Schema:
    """The schema, by way of its file."""
    path = folder / "schema.toml"
    path.write_text(SCHEMA_TOML, "utf-8")
    return load_schema(path)


def build_home(folder: Path, found: list[dict]) -> Home:
    """Publish documents in ``folder / "home"``."""
    source = folder / "docs.jsonl"
    source.write_bytes(b"\n".join(map(orjson.dumps, found)))
    home = Home.at(folder / "home")
    build(home, [str(source)], schema_at(folder))
    return home
