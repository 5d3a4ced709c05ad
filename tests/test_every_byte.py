"""Every byte of a published generation turned over, every page zeroed, every cut: reading it again finds all of it and names the file."""

import itertools
import random
import zlib

import numpy as np
import pytest
from core_index import build_home, sample
from damaged_homes import build_homes

import indexer.index
from indexer.changes import apply_changes
from indexer.errors import SearchdError
from indexer.format import HEADER, PAGE, VERSION, VersionMismatch
from indexer.home import Home
from indexer.index import Index, verify


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A generation of two segments, tombstones and a manifest; tests leave it as it was."""
    home = build_home(tmp_path_factory.mktemp("small"), sample(12))
    apply_changes(home, [{"id": "new", "title": "x"}], ["key-3"])
    return home


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    return Home.at(build_homes(tmp_path_factory.mktemp("large"))[0])


def files(home):
    folder = home.index / home.current.read_text().strip()
    return sorted(folder.iterdir())


def flips(home, step=1):
    """(file, place, another byte there) for every ``step``-th byte, another bit each time."""
    for path in files(home):
        data = path.read_bytes()
        yield from ((path, at, data[at] ^ (1 << (at * 5 + at // 8) % 8)) for at in range(0, len(data), step))


def zeroed(home):
    """(file, place, nothing) for every page that is not zero already."""
    for path in files(home):
        data = path.read_bytes()
        yield from ((path, at, bytes(len(data[at : at + PAGE]))) for at in range(0, len(data), PAGE) if any(data[at : at + PAGE]))


def unnoticed(home, damages):
    """The damages of which reading the generation again says nothing, or names another file; and how many there were."""
    missed, number = [], 0
    for number, (path, at, new) in enumerate(damages, 1):  # noqa: B007 - how many there were
        new = bytes([new]) if isinstance(new, int) else new
        with path.open("r+b") as file:
            file.seek(at)
            old = file.read(len(new))
            file.seek(at)
            file.write(new)
            file.flush()
            found = verify(home)
            file.seek(at)
            file.write(old)
        if {finding.path for finding in found} != {path}:
            missed.append((path.name, at, found))
    return missed, number


@pytest.mark.parametrize("step", [211, pytest.param(1, marks=pytest.mark.slow)])
def test_every_byte_of_a_small_index(small, step):
    missed, number = unnoticed(small, flips(small, step))
    assert missed == [] and number >= sum(path.stat().st_size for path in files(small)) // step
    assert verify(small) == []


@pytest.mark.parametrize("count", [40, pytest.param(10_000, marks=pytest.mark.slow)])
def test_flips_anywhere_in_a_large_index(large, count):
    chance, places = random.Random(count), []
    for path in chance.choices(files(large), [path.stat().st_size for path in files(large)], k=count):
        at = chance.randrange(path.stat().st_size)
        with path.open("rb") as file:
            file.seek(at)
            places.append((path, at, file.read(1)[0] ^ (1 << chance.randrange(8))))
    assert unnoticed(large, places) == ([], count)


@pytest.mark.parametrize("every", [8, pytest.param(1, marks=pytest.mark.slow)])
def test_zeroed_pages(large, every):
    missed, number = unnoticed(large, itertools.islice(zeroed(large), 0, None, every))
    assert missed == [] and number > 5


@pytest.mark.parametrize("every", [25, pytest.param(1, marks=pytest.mark.slow)])
def test_cuts_at_every_page_and_one_byte_beside_it(large, every):
    """Noticed when the index is opened, and named."""
    for path in files(large):
        whole = path.read_bytes()
        for at in range(0, len(whole), PAGE * every):
            for size in {max(0, at - 1), at, at + 1} - {len(whole)}:
                path.unlink()  # another generation may share the file
                path.write_bytes(whole[:size])
                with pytest.raises(SearchdError, match=path.name):
                    Index.open(large)
                assert [finding.path for finding in verify(large)] == [path]
        path.unlink()
        path.write_bytes(whole)
    assert verify(large) == []


def test_segments_that_changed_places(large):
    first, second = (path for path in files(large) if path.suffix == ".seg")
    one, other = first.read_bytes(), second.read_bytes()
    for path, data in ((first, other), (second, one)):
        path.unlink()
        path.write_bytes(data)
    with pytest.raises(SearchdError, match="0000.seg"):
        Index.open(large)
    assert {finding.path for finding in verify(large)} == {first, second}
    for path, data in ((first, one), (second, other)):
        path.unlink()
        path.write_bytes(data)
    assert verify(large) == []


@pytest.mark.parametrize("version", [0, 1, VERSION + 1, 2**32 - 1])
def test_versions_of_the_past_and_the_future(small, version):
    """A header as another program would write it, checksum and all."""
    path = next(path for path in files(small) if path.suffix == ".seg")
    whole = path.read_bytes()
    header = np.frombuffer(whole[: HEADER.itemsize], HEADER).copy()
    header["version"] = version
    header["crc32"] = zlib.crc32(header.tobytes()[:-4])
    path.unlink()
    path.write_bytes(header.tobytes() + whole[HEADER.itemsize :])
    with pytest.raises(VersionMismatch, match=f"expected format version {VERSION}, found {version}"):
        Index.open(small)
    assert [(finding.path, finding.section) for finding in verify(small)] == [(path, "header")]
    path.unlink()
    path.write_bytes(whole)


def test_this_test_can_fail(small, monkeypatch):
    """Whoever trusts the hashes of a manifest without reading the files finds nothing."""
    hashes = {path: indexer.index.file_sha256(path) for path in files(small)}
    monkeypatch.setattr(indexer.index, "file_sha256", hashes.get)
    assert unnoticed(small, flips(small, 997))[0]
