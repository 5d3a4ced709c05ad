"""Whatever happens to the files of an index: the right answer, or an error that names the file; never a crash, a hang or another answer."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from damaged_homes import all_damages, build_homes

from indexer.container import Container
from indexer.errors import SearchdError
from indexer.home import Home
from indexer.index import Index, verify
from indexer.publish import NoIndex

TESTS = Path(__file__).resolve().parent


@pytest.fixture(scope="module")
def homes(tmp_path_factory):
    return build_homes(tmp_path_factory.mktemp("homes"))


def wrong_answers(root, damages, timeout=300, **more):
    """What other answers, foreign errors and crashes the damages led to, by damage; tried in a process of its own."""
    result = subprocess.run(
        [sys.executable, "-c", "import damaged_homes; damaged_homes.main()"],
        input=json.dumps({"root": str(root), "damages": damages, **more}), capture_output=True, text=True, timeout=timeout,
        env={**os.environ, "PYTHONPATH": f"{TESTS}:{TESTS.parent}"},
    )  # fmt: skip
    assert result.returncode == 0, f"killed by {result.returncode}: {result.stderr[-2000:]}"
    return json.loads(result.stdout)


def sections_of(root):
    return {(path.name, name) for path in root.glob("index/g000002/*.seg") for name, e in Container(path).entries.items() if e["bytes"]}


@pytest.mark.parametrize("number", [0, 1])
def test_a_sample_of_damages(homes, number):
    """A bit in every section of the large segment, and some of all else."""
    damages = all_damages(homes[number], thorough=False)
    random.Random(4).shuffle(damages)
    flips = {(Path(d[1]).name, d[2]): d for d in damages if d[0] == "flip"}
    assert set(flips) >= sections_of(homes[number])
    chosen = [flip for (file, _), flip in flips.items() if file == "0000.seg"] + [d for d in damages if d[0] != "flip"][:25]
    assert wrong_answers(homes[number], chosen, sampled=True) == {}


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 1])
def test_every_section_damaged_in_many_places(homes, number):
    damages = all_damages(homes[number], thorough=True)
    assert len(damages) > 1500 and wrong_answers(homes[number], damages, 3600) == {}


@pytest.mark.slow
def test_terms_in_more_than_65535_documents(tmp_path):
    """They have a table that smaller segments have not."""
    home = build_homes(tmp_path, plain=70_000)[0]
    damages = [d for d in all_damages(home, thorough=False) if d[0] in ("flip", "zero") and "postings" in d[2]]
    assert any(d[2] == "postings.superblock_starts_high" for d in damages)
    assert wrong_answers(home, damages, 3600) == {}


@pytest.mark.slow
def test_these_tests_can_fail(homes):
    """With checking switched off, flipped bits do change answers."""
    risky = ("keys.data", "columns.0.values", "postings.nibbles", "postings.packed", "lengths.codes", "columns.4.ords", "stored.data")
    flips = [d for d in all_damages(homes[0], thorough=True) if d[0] == "flip" and d[1].endswith("0000.seg") and d[2] in risky]
    wrong = wrong_answers(homes[0], flips, unchecked=True)
    assert {json.loads(damage)[2] for damage in wrong} >= {"columns.0.values", "stored.data", "postings.nibbles"}


QUESTIONS = (
    "search w0", "search w1 w4 w6", 'search "w0 w1"', "search y17 OR w5", "search w* -w2", "all of w1 w4 w6", "retrieve w0", "retrieve w1 w4 w6",
    "features", "explain", "suggest", "similar", "keys", "stored", "filter",
)  # fmt: skip


def test_what_was_not_checked_was_not_read(homes):
    """All pages that a question leaves unchecked are spoiled; the next engine gives the same answer to it."""
    segment = str(homes[0] / "index/g000002/0000.seg")
    assert wrong_answers(homes[0], [["unread", segment, question] for question in QUESTIONS]) == {}


def test_a_file_of_the_same_size_from_elsewhere(homes, tmp_path):
    """Each file is sound, but it is not the one that was published; opening sees that without reading it."""
    root = tmp_path / "home"
    for year in (2001, 2002):
        source = tmp_path / "docs.jsonl"
        source.write_text(json.dumps({"id": "a", "text": "x", "year": year}))
        subprocess.run([sys.executable, "-m", "indexer", "build", str(source), "--home", str(root)], check=True, capture_output=True)
    first, second = sorted(root.glob("index/g*/0000.seg"))
    assert first.stat().st_size == second.stat().st_size and not Container(first).damaged_sections()
    second.write_bytes(first.read_bytes())
    with pytest.raises(SearchdError, match="0000.seg: section footer: not the file that was published"):
        Index.open(Home.at(root))
    assert [f.path for f in verify(Home.at(root))] == [second]


def test_verify_names_what_is_damaged_while_the_index_is_in_use(homes):
    home = Home.at(homes[1])
    path = home.index / "g000002" / "0000.seg"
    with Index.open(home) as index:
        whole = path.read_bytes()
        place = int(Container(path).entries["forward.data"]["offset"])
        with open(path, "r+b") as file:
            file.seek(place)
            file.write(bytes([whole[place] ^ 4]))
        assert [(f.path, f.section, f.problem) for f in verify(home)] == [(path, "forward.data", "checksum differs")]
        with pytest.raises(SearchdError, match="0000.seg: section forward.data: checksum differs"):
            index.segments[0].sequence(0, 0)
        with open(path, "r+b") as file:
            file.write(whole)
    assert verify(home) == []


def test_a_home_that_is_being_written(homes, tmp_path):
    """A generation that nobody published is not seen; what was published is, whatever lies beside it."""
    home = Home.at(tmp_path / "home")
    staged = home.index / ".staging-1"
    staged.mkdir(parents=True)
    (staged / "0000.seg").write_bytes(b"half a file")
    with pytest.raises(NoIndex):
        Index.open(home)
    beside = homes[1] / "index" / ".staging-1"
    beside.mkdir()
    (beside / "0000.seg").write_bytes(b"half a file")
    assert Index.open(Home.at(homes[1])).generation == "g000002" and verify(Home.at(homes[1])) == []
    current = homes[1] / "index" / "CURRENT"
    name = current.read_text()
    current.unlink()
    with pytest.raises(NoIndex):
        Index.open(Home.at(homes[1]))
    current.write_text(name)
