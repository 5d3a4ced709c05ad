"""Stored documents: any JSON in, the same out."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.container import Container, ContainerWriter
from indexer.documents import BadDocument
from indexer.format import Corrupt
from indexer.stored import StoredFields, decode_document, encode_document, write_stored

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


@pytest.mark.parametrize("n", [0, 1, 15, 16, 17, 100])
def test_blocks_hold_every_document(tmp_path, n):
    contents = [encode_document({"n": i, "text": "x" * i}) for i in range(n)]
    with ContainerWriter(tmp_path / "s.seg") as writer:
        write_stored(writer, contents)
        writer.finish()
    found = Container(tmp_path / "s.seg")
    stored = StoredFields(found["stored.data"], found["stored.offsets"], n, tmp_path / "s.seg")
    assert [stored.raw(i) for i in range(n)] == contents
    assert len(found["stored.offsets"]) == -(-n // 16) + 1
    with pytest.raises(IndexError):
        stored.raw(n)


@pytest.mark.parametrize("value", [b"bytes", {1, 2}, object()])
def test_what_is_not_json_is_a_bad_document(value):
    with pytest.raises(BadDocument) as caught:
        encode_document({"x": value})
    assert caught.value.code == "not_json"


def test_a_damaged_block_is_reported_as_damage():
    stored = StoredFields(np.zeros(10, np.uint8), np.array([0, 10], np.uint64), 1, Path("x.seg"))
    with pytest.raises(Corrupt, match="x.seg: section stored.data"):
        stored.raw(0)
