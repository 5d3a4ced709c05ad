"""indexer/FORMAT.md is true: its examples decode by hand, the writer writes them, and it names every section."""

import json
import re
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from core_index import SCHEMA, build_segment, sample

from indexer import format
from indexer.container import Container
from indexer.documents import Document, document_from
from indexer.schema import Schema
from indexer.segment import write_tombstones

TEXT = (Path(__file__).resolve().parents[1] / "indexer/FORMAT.md").read_text(encoding="utf-8")
EXAMPLE_SCHEMA = {"text": {"type": "text", "analyzer": "whitespace"}, "tags": {"type": "keyword"}, "year": {"type": "integer"}}


def example_file():
    dump = re.search(r"```hex\n(.*?)```", TEXT, re.S).group(1)
    lines = [line.split("  ") for line in dump.strip().split("\n")]
    assert [int(at, 16) for at, _ in lines] == list(range(0, 16 * len(lines), 16))
    return bytes.fromhex("".join(data for _, data in lines))


def test_the_example_decodes_by_hand():
    data = example_file()
    magic, version, flags, reserved, crc = struct.unpack_from("<8sII44sI", data, 0)
    assert (magic, version, flags, reserved) == (b"SRCHDSEG", format.VERSION, 0, bytes(44)) and crc == zlib.crc32(data[:60])
    table, table_bytes, size, table_crc, version, reserved, crc, magic = struct.unpack_from("<QQQII20sI8s", data, len(data) - 64)
    assert (magic, version, reserved, size) == (b"GESDHCRS", format.VERSION, bytes(20), len(data)) and crc == zlib.crc32(data[-64:-12])
    assert table + table_bytes == len(data) - 64 and table_crc == zlib.crc32(data[table : table + table_bytes])
    found = {}
    for number, at in enumerate(range(table, table + table_bytes, 88)):
        name, dtype, dimensions, rows, columns, offset, size, crc, zero = struct.unpack_from("<40s4sIQQQQII", data, at)
        assert (dtype, dimensions, columns, zero, offset % 64) == (b"<u4\0", 1, 0, 0, 0)
        checksum = data[table - 12 + 4 * number :][:4]  # of the one page that each of the three has
        assert size == 4 * rows and crc == zlib.crc32(checksum)
        assert struct.unpack("<I", checksum) == (zlib.crc32(data[offset : offset + size]),)
        found[name.rstrip(b"\0").decode()] = struct.unpack_from(f"<{rows}I", data, offset)
    assert found == {"deleted": (1,), "terms": (0, 2), "minus": (1, 1)}


def test_the_writer_writes_the_example(tmp_path):
    write_tombstones(tmp_path / "0000.del", np.array([1]), np.array([0, 2]), np.array([1, 1]))
    assert (tmp_path / "0000.del").read_bytes() == example_file()


def example_segment(folder):
    documents = [json.loads(line) for line in re.search(r"```json\n(.*?)```", TEXT, re.S).group(1).strip().split("\n")]
    build_segment(folder / "0000.seg", [document_from(d, "id") for d in documents], (), Schema.from_dict({"fields": EXAMPLE_SCHEMA}))
    return Container(folder / "0000.seg")


def test_the_example_segment_has_the_bytes_shown(tmp_path):
    container = example_segment(tmp_path)
    rows = re.findall(r"^\| `([\w.]+)` \| `(\S+)` \| ([\d x]+) \| `([0-9a-f]+)` \|", TEXT, re.M)
    assert len(rows) >= 20
    for name, dtype, shape, data in rows:
        array = container[name]
        assert (array.dtype.str.strip("|<"), " x ".join(map(str, array.shape)), array.tobytes().hex()) == (dtype, shape, data), name


def naive_hash(data):
    h = 0xCBF29CE484222325
    for byte in data:
        h = (h ^ byte) * 0x100000001B3 % 2**64
    h ^= h >> 33
    h = h * 0xFF51AFD7ED558CCD % 2**64
    return h ^ (h >> 33)


def naive_strings(data, starts, n):
    found = []
    for number in range(n):
        if number % 16 == 0:
            at, before = starts[number // 16], b""
        counts, at = [data[at] >> 4, data[at] & 15], at + 1
        for k in (0, 1):
            shift = 0
            while counts[k] >= 15 and (shift == 0 or data[at - 1] >= 128):
                counts[k] += (data[at] & 127) << shift
                shift, at = shift + 7, at + 1
        before = before[: counts[0]] + data[at : at + counts[1]]
        at += counts[1]
        found.append(before)
    return found


@pytest.mark.parametrize("name", ["keys", "terms"])
def test_strings_and_slots_follow_the_text(tmp_path, name):
    build_segment(
        tmp_path / "0000.seg", [*sample(40), Document("k" * 200, {}), Document("k" * 200 + "l", {"title": "x" * 18 + " " + "x" * 17})]
    )
    container = Container(tmp_path / "0000.seg")
    n = json.loads(container["meta"].tobytes())[{"keys": "documents"}.get(name, name)]
    strings = naive_strings(container[f"{name}.data"].tobytes(), container[f"{name}.starts"].tolist(), n)
    assert len(set(strings)) == n and (name == "keys" or strings == sorted(strings))
    expected, bits = [0] * (n + n // 5 + 1), n.bit_length()
    for number, string in enumerate(strings):
        h = naive_hash(string)
        at = (h >> 32) * len(expected) >> 32
        while expected[at]:
            at = (at + 1) % len(expected)
        expected[at] = h % 2 ** (32 - bits) << bits | number + 1
    assert container[f"{name}.slots"].tolist() == expected


def test_every_section_is_named(tmp_path):
    build_segment(tmp_path / "0000.seg", sample(5))
    for name in Container(tmp_path / "0000.seg").entries:
        assert f"`{re.sub(r'columns.[0-9]+', 'columns.C', name)}`" in TEXT, name


def test_sections_stand_in_the_order_of_the_text(tmp_path):
    build_segment(tmp_path / "0000.seg", sample(5), (), SCHEMA)
    table = TEXT[TEXT.index("### Sections, in this order") : TEXT.index("### Postings")]
    named = re.findall(r"`([\w.*]+)`", "\n".join(re.findall(r"^\|([^|]+)\|", table, re.M)))
    families = list(dict.fromkeys(re.sub(r"[.].*", "", name) for name in Container(tmp_path / "0000.seg").entries))
    assert list(dict.fromkeys(re.sub(r"[.].*", "", name) for name in named)) == families


def test_sizes_and_versions_are_those_of_the_constants():
    assert format.HEADER.itemsize == format.FOOTER.itemsize == 64 and format.SECTION.itemsize == 88
    assert " ".join(format.DTYPES) in TEXT and f"A *page* is {format.PAGE} bytes" in TEXT and f"if it has {format.LARGE:,} bytes" in TEXT
    versions = re.findall(r"^\| (\d+) \|", TEXT[TEXT.index("## 8. Versions") :], re.M)
    assert int(versions[0]) == format.VERSION
