"""A segment that turns out damaged while it is served: searches go on without it, every answer says so, and the share it names is exact.

Files are damaged after they were opened and before what is damaged was read: a page that was checked once is not checked again.
"""

import concurrent.futures
import random

import pytest
from small_home import WORDS, build_home, documents

from indexer.changes import apply_changes
from indexer.format import Corrupt
from indexer.index import Index, verify
from searchd.app import create_app
from searchd.engine import Engine, PartialAnswer

QUERIES = (*WORDS[:6], "apple banana", '"apple banana"', "机器学习", "title:apple", "ap*", "apple -banana", "banana OR 数据")
PARTS = (60, 30, 20)


@pytest.fixture
def home(tmp_path):
    """Three segments, of which the first has a document that was deleted."""
    found = documents(sum(PARTS) + 1)
    home = build_home(tmp_path, found[: PARTS[0] + 1])
    apply_changes(home, found[PARTS[0] + 1 : -PARTS[2]], [found[0]["id"]])
    apply_changes(home, found[-PARTS[2] :], [])
    with Index.open(home) as index:
        assert [segment.num_live for segment in index.segments] == list(PARTS)
    return home


def read_later(home, number):
    """The segment's file, and place and size of its sections that opening does not read, by name."""
    with Engine(home) as engine:
        segment = engine.index.segments[number]
        container = segment._container
        unread = {name for name in container.entries if not container.pages(name).section.verified[:-1].any()}
        return segment.path, {
            name: (int(e["offset"]), int(e["bytes"])) for name, e in container.entries.items() if name in unread and e["bytes"]
        }


def spoil(home, number, section=None):
    """Turn the bits over of a section that opening does not read, or of all of them; in the very file, as a bad disk does."""
    path, sections = read_later(home, number)
    with path.open("r+b") as file:
        for offset, size in [sections[section]] if section else sections.values():
            file.seek(offset)
            spoiled = bytes(byte ^ 255 for byte in file.read(size))
            file.seek(offset)
            file.write(spoiled)
    return path


def ids(result):
    return [hit.id for hit in result.hits]


@pytest.mark.parametrize("number", [1, 2])
def test_answers_are_those_of_the_documents_that_are_left(home, number):
    with Index.open(home) as index:
        left = index.without(index.segments[number])
        alive = {left.key(doc) for doc in left.live_docs()}
    share = len(alive) / sum(PARTS)
    spoil(home, number)
    engine = Engine(home)
    for query in QUERIES:
        result = engine.search(query, limit=100, model="none")
        assert result.partial and result.coverage == share and set(ids(result)) <= alive
        assert result.total.value == len(ids(result)) > 0
    assert round(share * sum(PARTS)) == sum(PARTS) - PARTS[number]
    engine.close()


def test_a_query_that_reads_nothing_damaged_is_whole_until_damage_is_met(home):
    spoil(home, 2, "stored.data")
    engine = Engine(home)
    assert engine.search("apple", limit=0, num_typos=0, model="none").partial is False
    assert engine.search("apple", limit=50, model="none").partial
    engine.close()


def test_all_or_nothing(home):
    with Engine(home) as engine, pytest.raises(PartialAnswer, match="timeout_ms"):
        engine.search("nothinglikethis", timeout_ms=0.0001, partial="deny")
    path = spoil(home, 1)
    engine = Engine(home)
    for _ in range(2):
        with pytest.raises(Corrupt, match=path.name):
            engine.search("apple", partial="deny")
        assert engine.search("apple").partial
    engine.close()


def test_below_half_of_the_documents_nothing_is_answered(home):
    spoil(home, 0)
    engine = Engine(home)
    for _ in range(2):
        with pytest.raises(Corrupt):
            engine.search("apple")
    engine.close()


def test_two_damaged_segments_add_up_to_the_floor(home):
    spoil(home, 1)
    spoil(home, 2)
    engine = Engine(home)
    assert engine.search("apple").coverage == PARTS[0] / sum(PARTS)
    engine.close()


def test_a_new_generation_begins_anew(home):
    spoil(home, 2)
    engine = Engine(home)
    assert engine.search("apple").partial
    build_home(home.root.parent, documents(40))
    result = engine.search("apple")
    assert result.generation == "g000004" and not result.partial and result.coverage == 1.0
    engine.close()


def test_over_http(home):
    path = spoil(home, 2)
    app = create_app(home, merge=False)
    client = app.test_client()
    lost = documents(sum(PARTS) + 1)[-1]["id"]
    body = client.get("/v1/search?q=apple&limit=100").get_json()
    assert (body["partial"], body["coverage"]) == (True, 90 / 110)
    denied = client.get("/v1/search?q=apple&partial=deny")
    assert (denied.status_code, denied.get_json()["code"]) == (503, "corrupt_index") and "Retry-After" in denied.headers
    assert str(home.root) not in denied.text and "Traceback" not in denied.text
    assert client.get(f"/v1/documents/{lost}").status_code == 503  # and not 404: it may be there
    assert "searchd_documents_missing 20.0" in client.get("/metrics").text
    assert "Not everything could be searched" in client.get("/search?q=apple").text
    assert {finding.path for finding in verify(home)} == {path}
    app.extensions["searchd"].close()


def test_threads_that_meet_the_damage_at_once(home):
    spoil(home, 1)
    engine = Engine(home)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda query: engine.search(query, limit=100), QUERIES * 8))
    assert {(result.partial, result.coverage) for result in found} == {(True, 80 / 110)}
    engine.close()


@pytest.mark.parametrize("count", [60, pytest.param(10_000, marks=pytest.mark.slow)])
def test_no_degraded_answer_is_unflagged(home, count):
    """One section after another is damaged; an answer is that of the whole home, flagged, or an error."""
    with Engine(home) as whole:
        expected = {query: repr(whole.search(query, limit=100, model="none").hits) for query in QUERIES}
    chance, asked, flagged = random.Random(count), 0, 0
    path, sections = read_later(home, 2)
    intact = path.read_bytes()
    while asked < count:
        spoil(home, 2, chance.choice(list(sections)))
        engine = Engine(home)
        for query in chance.sample(QUERIES, 10):
            result = engine.search(query, limit=100, model="none")
            assert result.partial or repr(result.hits) == expected[query], query
            assert result.coverage == (90 / 110 if result.partial else 1.0)
            asked, flagged = asked + 1, flagged + result.partial
        engine.close()
        path.unlink()  # a new file: the old one may still be mapped
        path.write_bytes(intact)
    assert flagged > count // 4
