"""Inversion by kernels against Python's dictionaries, from documents and from JSON lines."""

import gzip
from itertools import islice

import numpy as np
import orjson
import pytest
from core_index import SCHEMA, documents
from hypothesis import example, given
from hypothesis import strategies as st
from naive_run import assert_same_runs, naive_run
from shared_data import shared

from indexer.documents import Document, document_from
from indexer.interning import intern, new_names
from indexer.inverter import Run, analyzers_of, invert, invert_gathered
from indexer.plain_records import gather_lines
from indexer.quarantine import Entry
from indexer.readers.jsonl import LinesChunk
from indexer.schema import Schema
from indexer.string_order import order_of
from indexer.strings import pack_bytes

RAW = Schema.from_dict({"fields": {"text": {"type": "text", "analyzer": "whitespace"}}})
SPACES = [chr(c) for c in range(0x110000) if chr(c).isspace()]
odd_text = st.lists(
    st.sampled_from(
        [
            *SPACES,
            "a",
            "bc",
            "é",
            "数据",
            "\x00",
            "\x01",
            "\x03",
            "\x08",
            "\x1b",
            "\x7f",
            "\ud800",
            "\u200b",
            "\u2027",
            "\u0085",
            "𠀀",
            "x" * 7,
            "y" * 8,
            "abcdefghi",
            "z" * 16,
            "w" * 17,
            "w" * 40,
        ]
    )
).map("".join)


@given(documents())
def test_runs_are_those_of_dictionaries(docs):
    assert_same_runs(invert(docs, SCHEMA), naive_run(docs, SCHEMA))


@given(st.lists(st.one_of(odd_text, st.text(), st.lists(odd_text, max_size=4)), max_size=8))
@example(["".join(SPACES)])
@example([["", "a", " ", "b"]])
def test_white_space_is_that_of_str_split(values):
    docs = [Document(str(i), {"text": value}) for i, value in enumerate(values)]
    assert_same_runs(invert(docs, RAW), naive_run(docs, RAW))


STANDARD = Schema.from_dict({"fields": {"text": {"type": "text"}, "title": {"type": "text", "weight": 3.0}}})
PIECES = [
    "中",
    "文",
    "学习",
    "机器学习",
    "研究生命起源",
    "數據",
    "永和服装饰品",
    "a",
    "Running",
    "iPhone15",
    "getElementById",
    "C++",
    "c#",
    "c##",
    "c#x",
    "a+++",
    "b++",
    "re.sub",
    "os_path__join",
    "U.S.A",
    "don't",
    "Bob's",
    "a@b.c",
    "x&y",
    "_",
    "__",
    ".",
    "'",
    "+",
    "#",
    " ",
    "\n",
    "3.14",
    "é",
    "e\u0301",
    "ﬁ",
    "㎡",
    "½",
    "\u00ad",
    "™",
    "Ａ１",
    "カ\u3099",
    "ｶﾞ",
    "ก",
    "กำ",
    "한국어",
    "\u1112\u1161\u11ab",
    "שלום",
    "हिन्दी",
    "\u0915\u093c",
    "ﷺ",
    "ß",
    "İ",
    "Straße",
    "𠀀",
    "𠮷野家",
    "〇",
    "々",
    "\ud800",
    "\x01",
    "\x00",
    "x" * 50,
    "word" * 30,
]
mixed_text = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=3)), max_size=12).map("".join)


@given(
    st.lists(
        st.fixed_dictionaries({}, optional={"text": st.one_of(mixed_text, st.lists(mixed_text, max_size=3)), "title": mixed_text}),
        max_size=5,
    )
)
@example([{"text": "".join(PIECES), "title": " ".join(PIECES)}])
@example([{"text": PIECES}])
def test_standard_runs_are_those_of_regular_expressions(fields):
    docs = [Document(str(i), one) for i, one in enumerate(fields)]
    assert_same_runs(invert(docs, STANDARD), naive_run(docs, STANDARD))


@given(st.lists(st.text("1234,,,.'ac_+#中文 \n", max_size=20), min_size=1, max_size=4))
@example(["1,000", "12,345,678.90kg", "2019,200", ",1,000,", "1,0000", "a1,000", "1,000,00", "١,٢٣٤", "1,234"])
def test_groups_of_digits_are_those_of_regular_expressions(texts):
    docs = [Document(str(i), {"text": text}) for i, text in enumerate(texts)]
    assert_same_runs(invert(docs, STANDARD), naive_run(docs, STANDARD))


BLOCKS = range(0, 0x30000, 1024)
# Of the long stretches of one script, Han and Hangul and the higher planes, one block in eight; all are for `make test-all`.
MIXED = (range(0x3400), range(0xA000, 0xAC00), range(0xF800, 0x10000), range(0x1D000, 0x20000))
SOME_BLOCKS = [start for start in BLOCKS if start % 0x2000 == 0 or any(start in mixed for mixed in MIXED)]
CHARACTERS = pytest.mark.parametrize("blocks", [SOME_BLOCKS, pytest.param(BLOCKS, marks=pytest.mark.slow)], ids=["some", "all"])


@CHARACTERS
def test_every_character_is_what_regular_expressions_say(blocks):
    docs = [Document(str(i), {"text": "".join(f"a{chr(c)}b {chr(c)}" for c in range(i, i + 1024))}) for i in blocks]
    assert_same_runs(invert(docs, STANDARD), naive_run(docs, STANDARD))


@CHARACTERS
def test_every_character_may_stand_in_a_token_or_between_tokens(blocks):
    words = ([chr(c) for c in range(start, start + 1024) if c > 3 and not 0xD800 <= c < 0xE000] for start in blocks)
    docs = [Document(str(i), {"text": "".join(f"a{c}b {c} {c}{c}xyz{c}" for c in some)}) for i, some in enumerate(words)]
    assert_same_runs(invert(docs, RAW), naive_run(docs, RAW))
    lines = b"\n".join(orjson.dumps({"id": d.key, **d.fields}) for d in docs)
    assert check_lines(lines, RAW) == []


@pytest.mark.parametrize("lead", [0xC2, 0xE0, 0xE1, 0xE4, 0xED, 0xEF, 0xF0])
@pytest.mark.parametrize("second", [0x20, 0x7F, 0x80, 0x9F, 0xA0, 0xBF, 0xC0, 0xE4])
def test_bytes_that_are_no_characters_are_refused_among_those_that_are(lead, second):
    odd = bytes([lead, second, 0x80])
    texts = [odd, "中".encode() + odd, "中 文".encode() + odd + " 文".encode(), odd[:2], "中".encode() * 5 + odd[:1]]
    lines = [b'{"id": "%d", "text": "' % i + text + b'"}' for i, text in enumerate([*texts, b"a"])]
    check_lines(b"\n".join(lines), RAW)


def test_a_schema_without_text_fields():
    schema = Schema.from_dict({"fields": {"year": {"type": "integer"}}})
    docs = [Document("a", {"year": 1}), Document("b", {"year": 2, "more": "x"})]
    assert_same_runs(invert(docs, schema), naive_run(docs, schema))


@pytest.mark.parametrize(
    ("frequency", "dtype"), [(255, np.uint8), (256, np.uint16), (65_535, np.uint16), (65_536, np.uint32), (70_000, np.uint32)]
)
def test_frequencies_are_as_narrow_as_they_can_be(frequency, dtype):
    docs = [Document("a", {"text": "b " * frequency + "c " * 200}), Document("b", {"text": "b"})]
    run = invert(docs, RAW)
    assert run.tfs.dtype == dtype and run.tfs.tolist() == [[frequency], [1], [200]]


@pytest.mark.parametrize("count", [65_535, 65_536, 65_537])
def test_documents_and_terms_are_as_narrow_as_they_can_be(count):
    docs = [Document(f"{i}", {"text": f"t{i}"}) for i in range(count)]
    run = invert(docs, RAW)
    assert_same_runs(run, naive_run(docs, RAW))
    assert run.docs.dtype == (np.int32 if count > 65_536 else np.uint16)
    assert run.tokens.dtype == (np.uint32 if count > 65_535 else np.uint16)


@given(st.lists(st.binary(max_size=40)))
def test_names_are_numbered_by_first_sight(pieces):
    names, numbers = intern(new_names(), pack_bytes(pieces))
    assert numbers.tolist() == [list(dict.fromkeys(pieces)).index(piece) for piece in pieces]
    strings = names.strings()
    assert [strings.data[a:b].tobytes() for a, b in zip(strings.offsets, strings.offsets[1:])] == list(dict.fromkeys(pieces))


def test_many_names_and_long_ones():
    pieces = [b"%d" % (i % 50_000) for i in range(60_000)] + [b"x" * 100_000, b"x" * 99_999 + b"y", b"x" * 100_000]
    names, numbers = intern(new_names(), pack_bytes(pieces))
    assert (
        names.size == 50_002 and numbers[:50_000].tolist() == list(range(50_000)) and numbers[50_000:60_000].tolist() == list(range(10_000))
    )
    assert numbers[60_000:].tolist() == [50_000, 50_001, 50_000]


@given(st.sets(st.one_of(st.binary(max_size=20), st.lists(st.sampled_from([b"abcdefgh", b"a", b"\x00"]), max_size=14).map(b"".join))))
def test_strings_are_sorted_as_python_sorts_them(pieces):
    pieces = list(pieces)
    assert [pieces[i] for i in order_of(pack_bytes(pieces))] == sorted(pieces)


def test_strings_that_agree_in_much_are_sorted():
    pieces = [b"x" * 200 + b"%d" % (i * 7919 % 1000) for i in range(1000)] + [b"x" * 200, b"y"]
    assert [pieces[i] for i in order_of(pack_bytes(pieces))] == sorted(pieces)


def reference(chunk, schema):
    """What the slow path makes of a chunk."""
    found = list(chunk.documents(schema.id_field))
    run = invert([one for one in found if isinstance(one, Document)], schema)
    return run, [(one.line, one.reason) for one in found if isinstance(one, Entry)]


def check_lines(data, schema):
    chunk = LinesChunk("f", 1, 0, data)
    run, bad = reference(chunk, schema)
    gathered, entries = gather_lines(chunk, schema, analyzers_of(schema, None))
    found = invert_gathered(gathered, analyzers_of(schema, None))
    good = [one for one in chunk.documents(schema.id_field) if isinstance(one, Document)]
    bad += [(good[r.position].line, r.code) for r in run.rejected]
    assert sorted((one.line, one.reason) for one in entries) == sorted(bad)
    assert_same_runs(found, Run(**{**run.__dict__, "rejected": ()}))
    return entries


scalar = st.one_of(st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(), odd_text)
value = st.recursive(
    scalar, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=2)), max_leaves=4
)
names = st.sampled_from(["id", "title", "body", "year", "price", "day", "open", "tags", "note", "", "é", 'q"', "x"])
record = st.dictionaries(names, value, max_size=6).flatmap(
    lambda fields: st.fixed_dictionaries({"id": st.one_of(st.integers(), st.text(min_size=1), scalar)}).map(lambda key: {**fields, **key})
)


def dumps(fields, ascii_only, spaced):
    import json

    text = json.dumps(fields, ensure_ascii=ascii_only, separators=None if spaced else (",", ":"))
    return text.encode("utf-8", "surrogatepass")


line = st.builds(dumps, record, st.booleans(), st.booleans())


@st.composite
def damaged(draw):
    """A line with a byte changed, doubled or taken out."""
    raw = draw(line)
    at = draw(st.integers(0, max(0, len(raw) - 1)))
    byte = draw(
        st.sampled_from(
            [
                b"",
                b'"',
                b"\\",
                b"{",
                b"}",
                b"[",
                b"]",
                b",",
                b":",
                b"0",
                b"-",
                b"\n",
                b"\r",
                b"\t",
                b" ",
                b"\x00",
                b"\x80",
                b"\xc2",
                b"\xed\xa0\x80",
                b"u",
                b"e",
                b".",
                b"\xf4\x90\x80\x80",
            ]
        )
    )
    return raw[:at] + byte + raw[at + draw(st.integers(0, 1)) :]


@given(st.lists(st.one_of(line, line, damaged(), st.sampled_from([b"", b"  ", b"\x0b", b"\r"])), max_size=6), st.booleans())
def test_plain_records_are_those_of_the_slow_path(lines, closed):
    check_lines(b"\n".join(lines) + b"\n" * closed, SCHEMA)


CASES = [
    b'{"id":"a","title":"x"}',
    b' {"id" : "a" , "title" : "x y" } \r',
    b'{"id":"a","title":"\\u4e2d\\ud840\\udc00\\n\\/\\"\\\\\\u0000 \\u001f\\u007f"}',
    b'{"id":"a","title":"\\u0001"}',
    b'{"id":"a","title":"\\ud800"}',
    b'{"id":"a","title":"\\ud800\\u0041"}',
    b'{"id":"a","title":"\\udc00"}',
    b'{"id":"a","title":"x","title":"y"}',
    b'{"id":"a","id":"b"}',
    b'{"id":-0}',
    b'{"id":01}',
    b'{"id":12,"year":007}',
    b'{"id":-12,"title":-5,"body":true,"year":null}',
    b'{"id":true}',
    b'{"id":null}',
    b'{"id":""}',
    b'{"id":"\xc2\x85"}',
    b'{"id":"\xc2\xa0"}',
    b'{"id":"\x7f"}',
    b'{"id":"a\\u0041"}',
    b'{"id":"%s"}' % (b"x" * 513),
    b'{"id":"%s"}' % ("é" * 400).encode(),
    b'{"id":"a","body":["x","y"]}',
    b'{"id":"a","tags":["x", "\\u00e9", 1, null, true]}',
    b'{"id":"a","tags":[]}',
    b'{"id":"a","tags":[1,]}',
    b'{"id":"a","note":[[1]]}',
    b'{"id":"a","note":{"x":1}}',
    b'{"id":"a","note":1.50}',
    b'{"id":"a","note":123456789012345678901}',
    b'{"id":"a","year":"soon"}',
    b'{"id":"a","year":"7","day":"2020-01-02","open":"yes","price":"1.5"}',
    b'{"id":"a","note":nulL}',
    b'{"id":"a","note":nullx}',
    b'{"id":"a","note":"\xff"}',
    b'{"id":"a","note":"\xe0\x80\x80"}',
    b'{"id":"a",}',
    b'{"id":"a"} x',
    b'{"id":"a"}{"id":"b"}',
    b'{"id":"a","x":"',
    b'{"id":"a","x":"\\',
    b'{"id":"a","x":"\\u12',
    b'{"id":"a"',
    b"{}",
    b"[1]",
    b'{"id":"a",%s}' % b",".join(b'"f%d":%d' % (i, i) for i in range(100)),
]


@pytest.mark.parametrize("case", range(len(CASES)))
def test_a_case_alone_and_among_others(case):
    check_lines(CASES[case], SCHEMA)
    check_lines(b"\n".join([CASES[0], CASES[case], b"", CASES[1]]), SCHEMA)


def test_all_cases_together():
    assert len(check_lines(b"\n".join(CASES), SCHEMA)) > 20
    check_lines(b"", SCHEMA)
    check_lines(b"\n\n", SCHEMA)


def test_plain_records_take_the_fast_way(monkeypatch):
    monkeypatch.setattr("indexer.plain_records.read_record", None)
    fields = {"id": "a", "title": '数据 \n\u0085 "q"', "year": 7, "open": True, "tags": ["x", "é"], "none": None}
    check = [orjson.dumps(fields), dumps(fields, True, True), dumps(fields, False, False)]
    gathered, entries = gather_lines(LinesChunk("f", 1, 0, b"\n".join(check)), SCHEMA, analyzers_of(SCHEMA, None))
    assert not entries and gathered.keys.texts() == ["a"] * 3
    del fields["id"], fields["none"]
    assert gathered.documents.texts() == [orjson.dumps(fields).decode() + "\n"] * 3


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["en-cranfield", "en-medquad-liveqa", "mixed-xquad-en-zh", "zh-cmrc2018", "zh-medical-dialogue", "zh-qbqtc-dev"]
)
def test_real_texts_in_both_ways(name):
    with gzip.open(shared(f"retrieval/{name}/docs.jsonl.gz")) as file:
        docs = [document_from(orjson.loads(raw), "id") for raw in islice(file, 3000)]
    names = list(dict.fromkeys(field for doc in docs for field, value in doc.fields.items() if isinstance(value, str)))
    for analyzer in ("standard", "whitespace"):
        schema = Schema.from_dict({"fields": {field: {"type": "text", "analyzer": analyzer} for field in names}})
        assert_same_runs(invert(docs, schema), naive_run(docs, schema))
