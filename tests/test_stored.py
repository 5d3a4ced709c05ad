"""Stored documents: any JSON in, the same out."""

import random
import tempfile
from pathlib import Path

import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from indexer.container import Container, ContainerWriter
from indexer.documents import BadDocument
from indexer.format import STORED_BLOCK, Corrupt
from indexer.stored import StoredFields, StoredWriter, decode_document, encode_document
from indexer.strings import pack_bytes

VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(st.characters(codec=None))
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)),
    max_leaves=6,
)


@given(st.dictionaries(st.text(max_size=4), VALUES, max_size=4))
def test_documents_come_back(fields):
    assert decode_document(encode_document(fields)) == fields


def written(path, parts):
    """What a reader finds after documents were written: for every part, their contents and which of them."""
    lines = [(pack_bytes([c + b"\n" for c in contents]), np.array(chosen, np.int64)) for contents, chosen in parts]
    with StoredWriter(lines) as stored, ContainerWriter(path) as writer:
        stored.write(writer)
        writer.finish()
    return Container(path)


@given(st.lists(st.tuples(st.lists(st.integers(0, 9000), max_size=12), st.randoms()), max_size=4))
def test_every_chosen_document_comes_back_in_blocks_that_are_full(parts):
    contents = [[encode_document({"n": n, "x": "x" * n}) for n in sizes] for sizes, _ in parts]
    chosen = [sorted(random.sample(range(len(sizes)), random.randint(0, len(sizes)))) for sizes, random in parts]
    wanted = [content[i] for content, some in zip(contents, chosen) for i in some]
    with tempfile.TemporaryDirectory() as folder:
        found = written(Path(folder) / "s.seg", list(zip(contents, chosen)))
        stored = StoredFields(found, len(wanted))
        assert [stored.raw(i) for i in range(len(wanted))] == wanted
    firsts, sizes = found["stored.firsts"].tolist(), [len(content) + 1 for content in wanted]
    assert firsts[0] == 0 and firsts[-1] == len(wanted) and len(found["stored.offsets"]) == len(firsts)
    for first, stop in zip(firsts, firsts[1:]):
        assert stop == first + 1 or sum(sizes[first:stop]) <= STORED_BLOCK
        assert stop == len(wanted) or sum(sizes[first : stop + 1]) > STORED_BLOCK
    with pytest.raises(IndexError):
        stored.raw(len(wanted))


PHRASES = [" ".join(f"{random.Random(i).getrandbits(40):x}" for _ in range(3)) + str(i) for i in range(500)]


def test_large_collections_get_a_dictionary_that_pays(tmp_path, monkeypatch):
    draw = random.Random(3)
    contents = [encode_document({"title": draw.choice(PHRASES), "text": " ".join(draw.choices(PHRASES, k=8))}) for _ in range(3000)]
    everything = range(len(contents))
    found = written(tmp_path / "a.seg", [(contents, everything)])
    stored = StoredFields(found, len(contents))
    assert [stored.raw(i) for i in everything] == contents
    assert 0 < len(found["stored.dictionary"]) <= sum(map(len, contents)) // 64 + 64
    in_parts = written(tmp_path / "b.seg", [(contents[:7], range(7)), (contents[7:], range(len(contents) - 7))])
    assert all(np.array_equal(found[name], in_parts[name]) for name in found.entries), "the bytes depend on how the documents were batched"
    monkeypatch.setattr("indexer.stored.DICTIONARY_LEAST", 1 << 30)
    without = written(tmp_path / "c.seg", [(contents, everything)])
    assert len(without["stored.dictionary"]) == 0
    assert len(without["stored.data"]) > len(found["stored.data"]) + len(found["stored.dictionary"])


@pytest.mark.parametrize("value", [b"bytes", {1, 2}, object()])
def test_what_is_not_json_is_a_bad_document(value):
    with pytest.raises(BadDocument) as caught:
        encode_document({"x": value})
    assert caught.value.code == "not_json"


FRAME = zstandard.compress(b"1\n2\n")


@pytest.mark.parametrize("data, dictionary", [(bytes(10), b""), (FRAME, b""), (FRAME, b"\x37\xa4\x30\xec nothing")])
def test_a_damaged_block_is_reported_as_damage(tmp_path, data, dictionary):
    """Damage that the checksums of pages do not know of."""
    with ContainerWriter(tmp_path / "x.seg") as writer:
        writer.add("stored.data", np.frombuffer(data, np.uint8))
        writer.add("stored.offsets", np.array([0, len(data)], np.uint64))
        writer.add("stored.firsts", np.array([0, 1], np.uint32))
        writer.add("stored.dictionary", np.frombuffer(dictionary, np.uint8))
        writer.finish()
    with pytest.raises(Corrupt, match="x.seg: section stored.data"):
        StoredFields(Container(tmp_path / "x.seg"), 1).raw(0)


@pytest.mark.parametrize("name", ["stored.data", "stored.offsets", "stored.firsts", "stored.dictionary"])
def test_flipped_bits_are_found_before_they_are_believed(tmp_path, name):
    contents = [encode_document({"n": n, "text": PHRASES[n % 500] * 20}) for n in range(1000)]
    path = tmp_path / "x.seg"
    at = int(written(path, [(contents, range(1000))]).entries[name]["offset"])
    damaged = bytearray(path.read_bytes())
    damaged[at + 1] ^= 4
    path.write_bytes(damaged)
    with pytest.raises(Corrupt, match=f"x.seg: section {name}"):
        StoredFields(Container(path), 1000).raw(0)


@pytest.mark.parametrize("number", [2**64, -(2**63) - 1, 10**30])
def test_whole_numbers_beyond_64_bits_come_back_whole(number):
    found = decode_document(encode_document({"n": [number, 1]}))
    assert found == {"n": [number, 1]} and isinstance(found["n"][0], int)
