"""Homes whose files are damaged in every way, and whether what they answer is still right. For a process of its own, which may die of it.

    python -c "import damaged_homes; damaged_homes.main()" < {"root": folder, "damages": [[kind, file, ...]]}

prints what went wrong as JSON: an answer that differs from the intact home's, or an error that is none of ours or does not name the file.
"""

import json
import random
import sys
import traceback
from pathlib import Path

import numpy as np
import orjson
from small_home import TAGS, documents, schema_at

from indexer.build import build
from indexer.changes import apply_changes, live_documents
from indexer.container import Container
from indexer.errors import SearchdError
from indexer.format import FOOTER, HEADER, PAGE
from indexer.home import Home
from indexer.pages import Pages
from indexer.schema import load_schema
from searchd.engine import Engine
from searchd.logs import log_to_stderr
from searchd.similar import similar_hits

SHARES = (0.99, 0.5, 0.25, 0.1, 0.057, 0.03, 0.01, 0.01)  # of documents with the first words: wide, dense, frequent, rare
PLAIN_TOML = """
id_field = "id"
[fields.text]
type = "text"
analyzer = "whitespace"
[fields.year]
type = "integer"
[fields.price]
type = "float"
[fields.day]
type = "date"
[fields.open]
type = "boolean"
[fields.tag]
type = "keyword"
"""


def plain_documents(count: int, seed: int = 5) -> list[dict]:
    """One text field with terms of every tier, exceptions among them, a row longer than 64 KiB, and columns of every type."""
    chance = random.Random(seed)
    found = []
    for i in range(count):
        words = [f"w{n}" for n, share in enumerate(SHARES) if chance.random() < share] + [f"x{chance.randrange(500)}", f"y{i}"]
        chance.shuffle(words)
        found.append(
            {
                "id": f"key-{i}", "text": " ".join(words), "year": 2000 + i % 20, "price": chance.choice([0.5, 2.5, -3.0]),
                "day": f"2020-01-{i % 28 + 1:02}", "open": i % 3 == 0, "tag": chance.sample(TAGS, i % 3), "note": f"{chance.getrandbits(300):x}",
            }
        )  # fmt: skip
    found[7]["text"] = "w0 " * 70_000
    found[9]["text"] = "w4 " * 20
    return found


def build_homes(folder: Path, plain: int = 5000) -> list[Path]:
    """Two homes, each of two segments, with tombstones, and a generation before: one text field, and several with Chinese."""
    (folder / "plain.toml").write_text(PLAIN_TOML)
    schemas = {"plain": load_schema(folder / "plain.toml"), "mixed": schema_at(folder)}
    sources = {"plain": plain_documents(plain), "mixed": documents(150)}
    for name, found in sources.items():
        source = folder / f"{name}.jsonl"
        source.write_bytes(b"\n".join(map(orjson.dumps, found)))
        home = Home.at(folder / name)
        build(home, [str(source)], schemas[name])
        apply_changes(home, found[:3], [found[5]["id"], found[20]["id"]])
    return [folder / name for name in sources]


QUERIES = (
    "w0", "w1 w4 w6", "apple banana", '"w0 w1"', '"apple banana"', "机器学习", '"搜索引擎"', "w* -w2", "ap*", "x1* w3", "title:apple", "y17 OR w5",
    "w3 w4 w0 w0 w2",
)  # fmt: skip


def answers(root: Path, only: str = "", but: str = "") -> dict[str, object]:
    """What a home says to everything that reads its index, or to one question, or all ``but`` one; an error of ours stands for an answer that it
    refuses."""
    try:
        engine = Engine(Home.at(root))
    except SearchdError as error:
        return {"open": error}
    found: dict[str, object] = {}
    for name, ask in _questions(engine).items():
        if only not in ("", name) or name == but:
            continue
        try:
            found[name] = ask()
        except SearchdError as error:
            found[name] = error
    engine.close()
    return found


def _without_times(explained):
    return repr(explained._replace(explanation={name: part for name, part in explained.explanation.items() if name != "costs"}))


def _questions(engine):
    index = engine.index
    questions = {f"search {q}": (lambda q=q: _page(engine, q)) for q in QUERIES}
    questions |= {f"all of {q}": (lambda q=q: _page(engine, q, mode="and")) for q in QUERIES[:3]}
    questions |= {f"retrieve {q}": (lambda q=q: _arrays(*engine.retrieve(q, 1000))) for q in QUERIES[:3]}
    questions["filter"] = lambda: _page(engine, "", filter='year >= 2003 AND open = true AND NOT tag IN ["red"]', facets=["tag", "year"])
    questions["sort"] = lambda: _page(engine, "w1 OR apple", sort="price:desc")
    questions["features"] = lambda: _arrays(engine.rank("w1 w4 apple 学习", 20).features)
    questions["explain"] = lambda: _without_times(engine.explain(index.key(1), "w0 apple"))
    questions["suggest"] = lambda: [engine.suggest("w"), engine.suggest("ap"), engine.suggest("机")]
    questions["similar"] = lambda: [hit.id for hit in similar_hits(engine, index.key(1), 5)]
    questions["keys"] = lambda: [index.doc(index.key(doc)) for doc in range(0, index.max_doc, 97)] + [index.doc("absent")]
    questions["stored"] = lambda: [index.stored(doc) for doc in range(0, index.max_doc, 97)]
    questions["sequence"] = lambda: [index.segments[0].sequence(doc, 0).tolist() for doc in range(0, index.segments[0].num_docs, 97)]
    if index.max_doc < 10_000:
        questions["export"] = lambda: [(d.key, d.fields) for d in live_documents(index.segments)]
    return questions


def _page(engine, q, **how):
    page = engine.search(q, limit=30, model="none", log=False, query_id="x", partial="deny", **how)
    return repr(page._replace(took=0.0, seconds={}, features=None))


def _arrays(*arrays):
    return [np.asarray(array).tobytes() for array in arrays]


def all_damages(root: Path, thorough: bool) -> list[list]:
    """[kind, file, ...] of the published generation: bits, zeroed pages, cuts, sections that changed places, another generation's files."""
    folder = root / "index" / (root / "index" / "CURRENT").read_text().strip()
    found: list[list] = []
    for path in sorted(folder.iterdir()):
        size = path.stat().st_size
        places = range(size) if thorough and size < 2000 else range(0, size, max(1, size // 20))
        found += [["flip", str(path), "", at, at % 8] for at in places]
        found += [["cut", str(path), size - less] for less in (1, 8, FOOTER.itemsize, PAGE, size // 2, size - 1, size) if less <= size]
        if path.suffix != ".json":
            found += _of_sections(path, thorough)
    for path in sorted((root / "index").glob("g000001/*")):
        found += [["replace", str(other), str(path)] for other in sorted(folder.iterdir()) if other.suffix == path.suffix]
    return found


def _of_sections(path: Path, thorough: bool) -> list[list]:
    chance = random.Random(3)
    entries = {name: (int(e["offset"]), int(e["bytes"])) for name, e in Container(path).entries.items() if e["bytes"]}
    found: list[list] = [["flip", str(path), "structure", at, 1] for at in (0, 9, 13, HEADER.itemsize - 1)]
    for name, (offset, size) in entries.items():
        inside = [0, size // 2, size - 1, *(chance.randrange(size) for _ in range(5 if thorough else 1))]
        found += [["flip", str(path), name, offset + at, chance.randrange(8)] for at in inside]
        found += [["zero", str(path), name, offset, min(size, PAGE)], ["cut", str(path), offset], ["cut", str(path), offset + size]]
    by_size: dict[int, list[str]] = {}
    for name, (_, size) in entries.items():
        by_size.setdefault(size, []).append(name)
    pairs = [(a, b) for names in by_size.values() for a, b in zip(names, names[1:])]
    return found + [["swap", str(path), f"{a} {b}", entries[a][0], entries[b][0], entries[a][1]] for a, b in pairs]


def damaged(whole: bytes, damage: list) -> bytes:
    """The bytes of a file after a damage."""
    kind, _, *how = damage
    data = bytearray(whole)
    if kind == "flip":
        data[how[1]] ^= 1 << how[2]
    elif kind == "zero":
        data[how[1] : how[1] + how[2]] = bytes(how[2])
    elif kind == "cut":
        del data[how[0] :]
    elif kind == "replace":
        return Path(how[0]).read_bytes()
    elif kind == "unread":
        _spoil_unread(data, Path(damage[1]), how[0])
    else:
        _, a, b, size = how
        data[a : a + size], data[b : b + size] = data[b : b + size], data[a : a + size]
    return bytes(data)


def _spoil_unread(data: bytearray, path: Path, question: str) -> None:
    """Turn all bits of every page that an engine does not check to answer a question."""
    engine = Engine(Home.at(path.parents[2]))
    _questions(engine)[question]()
    whole = np.frombuffer(data, np.uint8)
    container = next(s._container for s in engine.index.segments if s.path == path)
    for name, entry in container.entries.items():
        verified = container.pages(name).section.verified[:-1]
        start, stop = int(entry["offset"]), int(entry["offset"]) + int(entry["bytes"])
        for page in np.flatnonzero(verified == 0).tolist():
            whole[start + page * PAGE : min(stop, start + (page + 1) * PAGE)] ^= 255


def _is_of_no_document(damage: list) -> bool:
    """Whether a damage is of a section that exporting the documents, the longest question, does not read."""
    return damage[0] == "flip" and damage[2] != "" and not damage[2].startswith(("stored", "keys", "structure"))


def wrong_answers(root: Path, damage: list, intact: dict[str, object], sampled: bool = False) -> list[str]:
    """What is wrong with a home under a damage: nothing, if each answer is the intact one or an error that names the file.

    ``sampled``: documents are exported only where it is they that are damaged.
    """
    path = Path(damage[1])
    whole = path.read_bytes()
    spoiled = damaged(whole, damage)
    _replace(path, spoiled)
    try:
        found = answers(root, damage[2] if damage[0] == "unread" else "", "export" if sampled and _is_of_no_document(damage) else "")
    except Exception:
        return [traceback.format_exc()]
    finally:
        _replace(path, whole)
    wrong = []
    for name, answer in found.items():
        if isinstance(answer, SearchdError):
            wrong += [f"{name}: {answer}"] * (path.name not in str(answer) or damage[0] == "unread")
        elif answer != intact[name]:
            wrong.append(f"{name}: another answer")
    return wrong


def _replace(path: Path, data: bytes) -> None:
    """A new file in the old one's place: other generations share that, and threads of an engine may still have it mapped."""
    path.unlink()
    path.write_bytes(data)


def believe_everything() -> None:
    """Switch all checking of pages off."""
    original = Pages.__init__

    def trusting(self, *arguments):
        original(self, *arguments)
        self._marks[:-1] = bytes([1]) * (len(self._marks) - 1)

    Pages.__init__ = trusting  # type: ignore[method-assign]


def main() -> None:
    log_to_stderr()
    task = json.load(sys.stdin)
    if task.get("unchecked"):
        believe_everything()
    root = Path(task["root"])
    intact = answers(root)
    assert not [name for name, answer in intact.items() if isinstance(answer, SearchdError)], intact
    wrong = {}
    for damage in task["damages"]:
        print(damage, file=sys.stderr)  # the last one is what killed the process
        if found := wrong_answers(root, damage, intact, task.get("sampled", False)):
            wrong[json.dumps(damage)] = found
    print(json.dumps(wrong))
