"""Every kind of malformed record is set aside with its line and reason, and never takes a good one with it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.documents import BadDocument, Document, check_key
from indexer.quarantine import REASONS, Entry, Quarantine, entry, escaped_sample
from indexer.readers import jsonl
from indexer.readers.record import read_record
from indexer.sources import read_documents

MALFORMED = [
    (b"not json at all", "invalid_json"),
    (b'{"id": "a",}', "invalid_json"),
    (b"{'id': 'a'}", "invalid_json"),
    (b'{id: "a"}', "invalid_json"),
    (b'{"id": "a" "b": 1}', "invalid_json"),
    (b'{"id": "a", "n": 01}', "invalid_json"),
    (b'{"id": "a", "n": .5}', "invalid_json"),
    (b'{"id": "a", "n": 0x10}', "invalid_json"),
    (b'{"id": "a", "t": "\\x41"}', "invalid_json"),
    (b'{"id": "a", "b": True}', "invalid_json"),
    (b'{"id": "a"}, ', "trailing_data"),
    (b'{"id": "a"}{"id": "b"}', "trailing_data"),
    (b'{"id": "a", "t": "cut', "truncated_json"),
    (b'{"id": "a", "t": [1, 2', "truncated_json"),
    (b'{"id": "a"', "truncated_json"),
    (b'{"id": "a", "n": NaN}', "not_finite"),
    (b'{"id": "a", "n": -Infinity}', "not_finite"),
    (b'{"id": "a", "n": 1e999}', "not_finite"),
    (b'{"id": "a", "t": "raw\ttab"}', "control_character"),
    (b'{"id": "a", "t": "nul\x00"}', "control_character"),
    (b'{"id": "a", "t": "\xff\xfe"}', "invalid_utf8"),
    (b'{"id": "a", "t": "\xc3"}', "invalid_utf8"),
    (b'{"id": "a", "t": "\xed\xa0\x80"}', "invalid_utf8"),
    (b'{"id": "a", "t": "\\ud800"}', "lone_surrogate"),
    (b'{"id": "a", "t": "\\udc00x"}', "lone_surrogate"),
    (b'{"id": "a", "t": ' + b"[" * 40 + b"]" * 40 + b"}", "nested_too_deep"),
    (b"[" * 100_000, "nested_too_deep"),
    (b'{"id": "a", "t": ' + b'{"x":' * 33 + b"1" + b"}" * 34, "nested_too_deep"),
    (b'["id", "a"]', "not_an_object"),
    (b'"text"', "not_an_object"),
    (b"42", "not_an_object"),
    (b"null", "not_an_object"),
    (b"{}", "missing_id"),
    (b'{"title": "no id"}', "missing_id"),
    (b'{"id": null}', "missing_id"),
    (b'{"id": true}', "invalid_id"),
    (b'{"id": 1.5}', "invalid_id"),
    (b'{"id": ["a"]}', "invalid_id"),
    (b'{"id": {"a": 1}}', "invalid_id"),
    (b'{"id": ""}', "empty_id"),
    (b'{"id": "' + b"x" * 513 + b'"}', "id_too_long"),
    (b'{"id": "a\\nb"}', "id_control_character"),
    (b'{"id": "a\\u0000b"}', "id_control_character"),
    (b'{"id": "a\\u0085b"}', "id_control_character"),
]
GOOD = [
    b'{"id": "ok"}',
    b'{"id": 7}',
    b'{"id": "\xe4\xb8\xad \xc2\xa0 \\ud83d\\ude00"}',
    b'{"id": "' + b"x" * 512 + b'"}',
    b'{"id": "a", "t": "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["}',
    b'{"id": "a", "t": ' + b"[" * 31 + b"]" * 31 + b"}",
    b'{"id": "a", "t": "\\u0000"}\r',
    b'{"id": "a", "id": "b"}',
]


@pytest.mark.parametrize(("raw", "reason"), MALFORMED, ids=[f"{r}-{i}" for i, (_, r) in enumerate(MALFORMED)])
def test_each_kind_of_malformed_line_has_its_reason(raw, reason):
    found = read_record(raw, "id", "f", 3, 9)
    assert isinstance(found, Entry)
    assert (found.reason, found.line, found.offset, found.file) == (reason, 3, 9, "f")
    assert found.reason in REASONS
    assert found.sample.isascii() and found.sample.isprintable()
    json.dumps(found._asdict())


@pytest.mark.parametrize("raw", GOOD)
def test_unusual_but_good_lines_are_documents(raw):
    assert isinstance(read_record(raw, "id", "f", 1, 0), Document)


def test_ten_thousand_bad_lines_between_good_ones_lose_nothing(tmp_path):
    lines, expected = [], {}
    for number in range(1, 12_001):
        if number % 6 == 0:
            lines.append(b'{"id": "good%d"}' % number)
        else:
            raw, reason = MALFORMED[number % len(MALFORMED)]
            lines.append(raw if len(raw) < 10_000 else b"[" * 2000)
            expected[number] = reason
    path = tmp_path / "x.jsonl"
    path.write_bytes(b"\n".join(lines))
    refused = []
    documents = list(read_documents([str(path)], "id", refused.append))
    assert [d.key for d in documents] == [f"good{n}" for n in range(6, 12_001, 6)]
    assert {e.line: e.reason for e in refused} == expected
    data = path.read_bytes()
    assert all(e.offset == 0 or data[e.offset - 1 : e.offset] == b"\n" for e in refused)
    assert len(documents) + len(refused) == 12_000


def test_a_line_beyond_the_cap_is_skipped_and_the_next_one_read(tmp_path, monkeypatch):
    for module in ("indexer.readers.jsonl", "indexer.readers.record", "indexer.readers.streams"):
        monkeypatch.setattr(f"{module}.MAX_RECORD", 3 << 20)
    long_line = b'{"id": "long", "t": "' + b"x" * (9 << 20) + b'"}'
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"id": "a"}\n' + long_line + b'\n{"id": "b"}\n')
    refused = []
    documents = list(read_documents([str(path)], "id", refused.append))
    assert [(d.key, d.line, d.offset) for d in documents] == [("a", 1, 0), ("b", 3, 13 + len(long_line))]
    assert [(e.line, e.offset, e.reason) for e in refused] == [(2, 12, "line_too_long")]


def test_a_long_csv_line_is_skipped_and_the_next_one_read(tmp_path, monkeypatch):
    for module in ("indexer.readers.delimited", "indexer.readers.streams"):
        monkeypatch.setattr(f"{module}.MAX_RECORD", 2 << 20)
    path = tmp_path / "x.csv"
    long_line = b"long," + b"x" * (7 << 20)
    path.write_bytes(b"id,t\na,1\n" + long_line + b"\nb,2\n")
    refused = []
    documents = list(read_documents([str(path)], "id", refused.append))
    assert [(d.key, d.line, d.offset) for d in documents] == [("a", 2, 5), ("b", 4, 10 + len(long_line))]
    assert [(e.line, e.reason) for e in refused] == [(3, "line_too_long")]


@pytest.mark.parametrize(
    ("array", "keys", "reasons"),
    [
        (b"[]", [], []),
        (b" [ ] ", [], []),
        (b'[{"id":"a"},{"id":"b"}]', ["a", "b"], []),
        (b'[{"id":"a"},,{"id":"b"}]', ["a", "b"], ["invalid_json"]),
        (b'[{"id":"a"},{"id":"b"},]', ["a", "b"], []),
        (b'[{"id":"a"},{"id":"b"}', ["a"], ["truncated_json"]),
        (b'[{"id":"a"}] x', ["a"], ["trailing_data"]),
        (b'[{"id":"x","t":[1},{"id":"b"}]', ["b"], ["invalid_json"]),
        (b'[{"id":"a"},{"id":"x","t":"cut},{"id":"b"}]', ["a"], ["truncated_json"]),
        (b'[{"id":"a"},{"t":NaN},3,{"id":"b"}]', ["a", "b"], ["not_finite", "not_an_object"]),
    ],
)
def test_bad_elements_of_an_array_do_not_spoil_the_others(tmp_path, array, keys, reasons):
    path = tmp_path / "x.json"
    path.write_bytes(array)
    refused = []
    assert [d.key for d in read_documents([str(path)], "id", refused.append)] == keys
    assert [e.reason for e in refused] == reasons


@given(st.binary(max_size=200), st.integers(1, 64))
def test_no_bytes_raise_and_all_lines_are_accounted_for(data, chunk_bytes):
    import io

    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return
    chunks = jsonl.cut(io.BytesIO(data), "x", chunk_bytes)
    found = [one for chunk in chunks for one in chunk.documents("id")]
    body = data.removeprefix(b"\xef\xbb\xbf")
    assert len(found) == sum(1 for line in body.split(b"\n") if line.strip())


@given(st.text(max_size=30))
def test_a_key_is_checked_by_the_written_rule(text):
    legal = 1 <= len(text) <= 512 and not any(ord(c) < 32 or 127 <= ord(c) < 160 or 0xD800 <= ord(c) < 0xE000 for c in text)
    try:
        assert check_key(text) == text
        assert legal
    except BadDocument:
        assert not legal


def test_samples_are_harmless_anywhere():
    assert escaped_sample(b"<a>\x1b[31m\xff\n\xe4\xb8\xad") == "<a>\\x1b[31m\\xff\\n\\u4e2d"
    assert len(escaped_sample("x" * 10_000)) == 200


def test_the_file_appears_only_when_published(tmp_path):
    path = tmp_path / "home" / "quarantine.jsonl"
    bad = entry(BadDocument("missing_id", "no id"), "f.jsonl", 2, 14, b'{"t": "\xff"}')
    with Quarantine(path) as quarantine:
        quarantine.add(bad)
    assert list(path.parent.iterdir()) == []
    with Quarantine(path) as quarantine:
        quarantine.add(bad)
        quarantine.publish()
    (line,) = path.read_text().splitlines()
    assert json.loads(line) == bad._asdict()
    assert quarantine.counts == {"missing_id": 1}
