"""Pages are checked before their first use, and by zlib's CRC-32 on every side."""

import tempfile
import threading
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer import container as container_module
from indexer.checksums import PageChecksums, crc32, first_damaged, first_damaged_of_ranges, ready
from indexer.container import Container, ContainerWriter
from indexer.format import PAGE, Corrupt
from indexer.jit import kernel
from indexer.pages import in_memory

BYTES = st.binary(max_size=100) | st.builds(
    lambda seed, size: np.random.default_rng(seed).bytes(size), st.integers(0, 99), st.integers(0, 3 * PAGE + 5)
)


@given(BYTES)
def test_the_kernel_computes_zlibs_crc32(data):
    assert crc32(np.frombuffer(data, np.uint8)) == zlib.crc32(data)


@given(BYTES, st.lists(st.integers(0, 3 * PAGE)))
def test_checksums_of_pieces_are_those_of_pages(data, cuts):
    found = PageChecksums()
    borders = [0, *sorted(min(c, len(data)) for c in cuts), len(data)]
    for a, b in zip(borders, borders[1:]):
        found.update(memoryview(data)[a:b])
    assert found.finish().tolist() == [zlib.crc32(data[at : at + PAGE]) for at in range(0, len(data), PAGE)]


def file_of(path, **arrays):
    with ContainerWriter(path) as writer:
        writer.add_all("", arrays)
        writer.finish()
    return path


def flip(path, name, at, bit=0):
    """Flip a bit of a section's byte."""
    with open(path, "r+b") as file:
        place = int(Container(path).entries[name]["offset"]) + at
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ (1 << bit)]))


ROWS = np.arange(30_000, dtype=np.uint16).reshape(-1, 3)  # 6 bytes a row: rows cross pages


@given(st.integers(0, 59_999), st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 3000)), max_size=8), st.integers(0, 7))
def test_what_is_required_is_checked_and_nothing_else(at, ranges, bit):
    """A flipped bit is met exactly by the ranges that touch its page, whether required one by one, in bulk, or by a kernel."""
    with tempfile.TemporaryDirectory() as folder:
        path = file_of(Path(folder) / "x.seg", rows=ROWS)
        flip(path, "rows", at, bit)
        ranges = [(a, min(len(ROWS), a + n)) for a, n in ranges]
        touching = [a < b and 6 * a // PAGE <= at // PAGE <= (6 * b - 1) // PAGE for a, b in ranges]
        pages = Container(path).pages("rows")
        for (a, b), damaged in zip(ranges, touching):
            if damaged:
                with pytest.raises(Corrupt, match="section rows: checksum differs"):
                    pages.require(a, b)
            else:
                assert (pages[a:b] == ROWS[a:b]).all()
        starts, stops = (np.array([r[i] for r in ranges], np.int64) for i in (0, 1))
        bulk = Container(path).pages("rows")
        assert first_damaged_of_ranges(*bulk.section[1:], 6 * starts, 6 * stops) == (at // PAGE if any(touching) else -1)
        if any(touching):
            with pytest.raises(Corrupt, match=f"byte {at // PAGE * PAGE}"):
                bulk.require_ranges(starts, stops)
        touched = {page for a, b in ranges if a < b for page in range(6 * a // PAGE, (6 * b - 1) // PAGE + 1)}
        assert set(np.flatnonzero(pages.section.verified[:-1])) <= touched - {at // PAGE}


def test_a_page_is_checked_once(tmp_path):
    path = file_of(tmp_path / "x.seg", rows=ROWS)
    pages = Container(path).pages("rows")
    pages.require(0, 1)
    assert pages.section.verified.tolist() == [1] + [0] * 15
    flip(path, "rows", 0)
    pages.require(0, 1)  # the map shows the damage, but this page was found good
    flip(path, "rows", PAGE)
    with pytest.raises(Corrupt):
        pages.require(0, len(ROWS))
    assert pages.damaged() and Container(path).damaged_sections() == ["rows"]


def test_damaged_checksums_are_damage_of_their_section(tmp_path):
    path = file_of(tmp_path / "x.seg", a=np.arange(3), rows=ROWS, b=np.arange(3))
    data = bytearray(path.read_bytes())
    data[-container_module.format.FOOTER.itemsize - 3 * 88 - 4 - 1] ^= 1  # the last of rows, before the one of b
    path.write_bytes(data)
    assert Container(path).damaged_sections() == ["rows"]
    with pytest.raises(Corrupt, match="section rows: checksum differs"):
        Container(path).pages("rows").require(0, 1)
    assert Container(path)["b"].tolist() == [0, 1, 2]


@kernel
def _sum_rows(section, wanted):
    """A kernel that learns as it goes what it needs."""
    total, row = 0, wanted
    while row < len(section.items) // 3 and ready(section, 3 * row, 3 * row + 3):
        total += section.items[3 * row]
        row = 2 * row + 1
    return total


def test_kernels_check_as_they_go(tmp_path):
    path = file_of(tmp_path / "x.seg", rows=ROWS)
    pages = Container(path).pages("rows")
    visited = (3, 7, 15, 31, 63, 127, 255, 511, 1023, 2047, 4095, 8191)
    assert _sum_rows(pages.section, 3) == sum(int(ROWS[r, 0]) for r in visited)
    pages.settle()
    flip(path, "rows", 6 * 4095)
    pages = Container(path).pages("rows")
    assert _sum_rows(pages.section, 7000) == ROWS[7000, 0]
    pages.settle()
    assert _sum_rows(pages.section, 3) == sum(int(ROWS[r, 0]) for r in visited[:-2])
    with pytest.raises(Corrupt, match="section rows: checksum differs"):
        pages.settle()


def test_arrays_in_memory_need_no_checking():
    pages = in_memory(ROWS)
    assert _sum_rows(pages.section, 3) and (pages[5:9] == ROWS[5:9]).all() and not pages.view.flags.writeable and ROWS.flags.writeable
    pages.settle()


@pytest.mark.parametrize("start, stop", [(-1, 3), (0, 60_001), (70_000, 70_001)])
def test_ranges_outside_a_section_are_damage(tmp_path, start, stop):
    pages = Container(file_of(tmp_path / "x.seg", rows=ROWS)).pages("rows")
    assert first_damaged(*pages.section[1:], start, stop) == 0


def test_sections_without_bytes(tmp_path):
    pages = Container(file_of(tmp_path / "x.seg", none=np.zeros((0, 3), np.uint16))).pages("none")
    pages.require(0, 0)
    assert pages.all().shape == (0, 3) and not pages.damaged()


def test_threads_may_check_the_same_pages(tmp_path):
    pages = Container(file_of(tmp_path / "x.seg", rows=ROWS)).pages("rows")
    threads = [threading.Thread(target=lambda: [pages.require(r, r + 1) for r in range(len(ROWS))]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert pages.section.verified[:-1].all()


def test_the_file_is_let_go_without_the_garbage_collector(tmp_path):
    path = file_of(tmp_path / "x.seg", rows=ROWS)
    assert Container(path)["rows"][5, 0] == 15
    assert str(path) not in Path("/proc/self/maps").read_text()


def test_without_checking_damage_is_read(tmp_path, monkeypatch):
    """That the tests above can fail."""
    path = file_of(tmp_path / "x.seg", rows=ROWS)
    flip(path, "rows", 0)
    monkeypatch.setattr("indexer.pages.first_damaged", lambda *arguments: -1)
    assert Container(path)["rows"][0, 0] == 1
