"""Damage to a published generation: noticed, named, never a crash."""

import random

import pytest
from core_index import build_home, sample

from indexer import format
from indexer.changes import apply_changes
from indexer.container import Container
from indexer.errors import SearchdError
from indexer.format import Corrupt, VersionMismatch
from indexer.index import Index, verify


@pytest.fixture
def home(tmp_path):
    home = build_home(tmp_path, sample(12))
    apply_changes(home, [{"id": "new", "title": "x"}], ["key-3"])
    return home


@pytest.fixture
def folder(home):
    return home.index / "g000002"


def flip(path, bit):
    data = bytearray(path.read_bytes())
    data[bit // 8] ^= 1 << (bit % 8)
    path.write_bytes(data)


def test_flipped_bits_are_found_and_the_file_is_named(home, folder):
    """A seeded sample here; containers are tried bit by bit in test_container."""
    chosen = random.Random(7)
    for path in sorted(folder.iterdir()):
        original = path.read_bytes()
        for _ in range(150):
            flip(path, chosen.randrange(8 * len(original)))
            findings = verify(home)
            assert findings and {f.path for f in findings} == {path}
            path.write_bytes(original)
    assert verify(home) == []


def test_the_damaged_section_is_named(home, folder):
    path = folder / "0000.seg"
    for name, entry in Container(path).entries.items():
        if entry["bytes"]:
            flip(path, 8 * int(entry["offset"]))
            assert [f.section for f in verify(home)] == [name]
            flip(path, 8 * int(entry["offset"]))


def test_opening_never_crashes(home, folder):
    """Any flipped byte either opens or is refused with a message that names the file."""
    chosen = random.Random(8)
    path = folder / "0000.seg"
    original = path.read_bytes()
    for _ in range(300):
        flip(path, chosen.randrange(8 * len(original)))
        try:
            Index.open(home).close()
        except SearchdError as error:
            assert "0000.seg" in str(error)
        path.write_bytes(original)


@pytest.mark.parametrize("name", ["0000.seg", "0000.del", "0001.seg", "MANIFEST.json"])
def test_missing_and_truncated_files(home, folder, name):
    path = folder / name
    original = path.read_bytes()
    path.write_bytes(original[:-1])
    with pytest.raises(Corrupt, match=name):
        Index.open(home)
    assert [f.path for f in verify(home)] == [path]
    path.unlink()
    with pytest.raises(Corrupt, match=f"{name}: the file is missing"):
        Index.open(home)
    assert [(f.path, f.problem) for f in verify(home)] == [(path, "the file is missing")]


def test_files_swapped_between_generations_are_found(home, folder):
    path = folder / "0000.seg"
    other = bytearray(path.read_bytes())
    path.unlink()
    path.write_bytes((home.index / "g000001" / "0000.seg").read_bytes())
    assert verify(home) == []
    build_home(home.root, sample(12, 100))
    swapped = (home.index / "g000003" / "0000.seg").read_bytes()
    path.write_bytes(swapped + bytes(len(other) - len(swapped)) if len(swapped) < len(other) else swapped[: len(other)])
    assert verify(home, "g000002")


def test_a_stranger_in_the_folder_is_reported(home, folder):
    (folder / "notes.txt").write_text("hello")
    assert [(f.path.name, f.problem) for f in verify(home)] == [("notes.txt", "not named in the manifest")]


def test_a_manifest_of_another_version(home, folder, monkeypatch):
    path = folder / "MANIFEST.json"
    path.write_bytes(path.read_bytes().replace(f'"format": {format.VERSION}'.encode(), b'"format": 7'))
    with pytest.raises(VersionMismatch, match=f"expected format version {format.VERSION}, found 7"):
        Index.open(home)


@pytest.mark.parametrize("content", [b"", b"null", b"[]", b"{}", b'{"format": 2}', b'{"format": 2, "checksum": ""}', b"\xff\xfe"])
def test_manifests_that_are_none(home, folder, content):
    (folder / "MANIFEST.json").write_bytes(content)
    with pytest.raises(Corrupt, match="MANIFEST.json"):
        Index.open(home)


@pytest.mark.parametrize("content", ["", "../../etc", "g1", "x" * 1000])
def test_a_damaged_current(home, content):
    home.current.write_text(content)
    with pytest.raises(SearchdError, match="expected the name of a generation"):
        Index.open(home)
