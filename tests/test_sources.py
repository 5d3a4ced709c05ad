"""Every format, with every compression, gives the same documents; what is missing or damaged is one clear error."""

import csv
import gzip
import io
import json
import sqlite3
from pathlib import Path

import pytest
import zstandard
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.documents import Document
from indexer.quarantine import Entry
from indexer.readers import array, delimited, jsonl
from indexer.readers.chunk import SourceError
from indexer.sources import cut, find_sources, read_documents

RECORDS = [
    {"id": "a", "title": 'One, "two"', "body": "first line\nsecond line"},
    {"id": "中文", "title": "机器学习", "body": 'tab\there, [brackets] {and} \\ backslashes "quoted"'},
    {"id": "3", "body": "no title \U0001f600 " + "x" * 500},
]


def read(*names, id_field="id"):
    refused: list[Entry] = []
    documents = list(read_documents([str(name) for name in names], id_field, refused.append))
    return documents, refused


def plain(documents):
    return [{"id": d.key, **d.fields} for d in documents]


def write_jsonl(path, records=RECORDS):
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records), encoding="utf-8")


def write_array(path, records=RECORDS):
    path.write_text(json.dumps(records, indent=2), encoding="utf-8")


def write_csv(path, records=RECORDS, delimiter=","):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(records[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(records)


def write_tsv(path, records=RECORDS):
    write_csv(path, records, "\t")


def write_parquet(path, records=RECORDS):
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_pylist(records, schema=pa.schema([(name, pa.string()) for name in records[0]])), path)


def write_sqlite(path, records=RECORDS):
    names = list(records[0])
    with sqlite3.connect(path) as connection:
        connection.execute(f"CREATE TABLE docs ({', '.join(names)})")
        connection.executemany(f"INSERT INTO docs VALUES ({', '.join('?' * len(names))})", [[r.get(n) for n in names] for r in records])
    connection.close()


def write_folder(path, records):
    path.mkdir()
    for record in records:
        (path / f"{record['id']}.txt").write_text(record["title"])


FORMATS = {
    "docs.jsonl": write_jsonl,
    "docs.json": write_array,
    "docs.csv": write_csv,
    "docs.tsv": write_tsv,
    "docs.parquet": write_parquet,
    "docs.db": write_sqlite,
}
COMPRESSORS = {"": bytes, ".gz": lambda data: gzip.compress(data, mtime=0), ".zst": lambda data: zstandard.ZstdCompressor().compress(data)}


def write_as(folder, kind, records):
    """Write records as one kind of source and return its name."""
    write = {**{Path(name).suffix: writer for name, writer in FORMATS.items()}, ".sqlite": write_sqlite, ".folder": write_folder}[
        f".{kind}"
    ]
    write(folder / f"docs.{kind}", records)
    return f"{folder / f'docs.{kind}'}" + ("#docs" if kind == "sqlite" else "")


@pytest.mark.parametrize("suffix", COMPRESSORS)
@pytest.mark.parametrize("name", FORMATS)
def test_every_format_and_compression_gives_the_same_documents(tmp_path, name, suffix):
    FORMATS[name](tmp_path / name)
    path = tmp_path / (name + suffix)
    path.write_bytes(COMPRESSORS[suffix]((tmp_path / name).read_bytes()))
    source = f"{path}#docs" if name == "docs.db" else str(path)
    documents, refused = read(source)
    assert plain(documents) == RECORDS
    assert refused == []
    assert {d.source for d in documents} == {source}


@pytest.mark.parametrize("suffix", COMPRESSORS)
def test_a_folder_gives_titles_texts_and_relative_paths(tmp_path, suffix):
    pages = {
        "b/page.html": "<head><title>A &amp; B</title><style>p {}</style></head><h1>H</h1><p>one</p><script>x()</script>two",
        "a.md": "---\nlang: en\n---\n```\n# not this\n```\n# The heading #\n\ntext\n",
        "z.txt": "plain\ntext",
        ".hidden.txt": "no",
        "picture.png": "no",
    }
    for name, text in pages.items():
        path = tmp_path / (name + suffix)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(COMPRESSORS[suffix](text.encode()))
    documents, refused = read(tmp_path)
    assert refused == []
    assert [d.key for d in documents] == [f"a.md{suffix}", f"b/page.html{suffix}", f"z.txt{suffix}"]
    assert [d.fields["title"] for d in documents] == ["The heading", "A & B", "z"]
    assert documents[1].fields["body"] == "H\none\ntwo"
    assert documents[2].fields["body"] == "plain\ntext"


def test_html_without_a_closed_head_or_in_a_declared_charset_is_read(tmp_path):
    (tmp_path / "a.html").write_text("<head><title>T</title><body>text<br>more", encoding="utf-8")
    (tmp_path / "b.html").write_bytes('<meta charset="gb2312"><title>标题</title><p>中文 text'.encode("gb18030"))
    (tmp_path / "c.html").write_bytes("<p>é".encode("latin-1"))
    documents, refused = read(tmp_path)
    assert [d.fields for d in documents] == [{"title": "T", "body": "text\nmore"}, {"title": "标题", "body": "中文 text"}]
    assert [(e.reason, Path(e.file).name) for e in refused] == [("invalid_utf8", "c.html")]


def test_one_text_file_is_a_source_of_one_document(tmp_path):
    (tmp_path / "note.md").write_text("# Hello\nworld")
    (document,) = read(tmp_path / "note.md")[0]
    assert (document.key, document.fields["title"]) == ("note.md", "Hello")


@pytest.mark.parametrize("writer", [write_jsonl, write_array])
def test_standard_input_is_sniffed(tmp_path, monkeypatch, writer):
    writer(tmp_path / "x")
    data = gzip.compress((tmp_path / "x").read_bytes())
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert plain(read("-")[0]) == RECORDS


def test_lines_and_byte_offsets_point_at_the_records(tmp_path):
    for name in ("docs.jsonl", "docs.json"):
        FORMATS[name](tmp_path / name)
        data = (tmp_path / name).read_bytes()
        for document in read(tmp_path / name)[0]:
            assert data[document.offset : document.offset + 1] == b"{"
            assert data.count(b"\n", 0, document.offset) + 1 == document.line


def test_csv_offsets_count_quoted_line_ends(tmp_path):
    FORMATS["docs.csv"](tmp_path / "docs.csv")
    documents, _ = read(tmp_path / "docs.csv")
    assert [d.line for d in documents] == [2, 4, 5]
    data = (tmp_path / "docs.csv").read_bytes()
    assert all(data[d.offset :].startswith(d.key.encode()) for d in documents)


def test_an_unclosed_csv_quote_loses_only_its_own_line(tmp_path):
    (tmp_path / "x.csv").write_text('id,t\n1,a\n2,"open\n3,c\n4,"d ""e"" "\n5,e,f\n6,"x"y\n7,g\n8,"last\n')
    documents, refused = read(tmp_path / "x.csv")
    assert [d.key for d in documents] == ["1", "3", "4", "7"]
    assert [(e.line, e.reason) for e in refused] == [(3, "invalid_csv"), (6, "wrong_column_count"), (7, "invalid_csv"), (9, "invalid_csv")]


def test_tsv_with_bare_quotes_is_read_literally(tmp_path):
    (tmp_path / "x.tsv").write_text('id\ttext\n1\t"quoted" at the start\n2\ta " alone\n3\t"open\n')
    documents, refused = read(tmp_path / "x.tsv")
    assert [d.fields["text"] for d in documents] == ['"quoted" at the start', 'a " alone', '"open']
    assert refused == []


def test_byte_order_mark_is_skipped_and_utf16_refused(tmp_path):
    (tmp_path / "x.jsonl").write_bytes(b'\xef\xbb\xbf{"id":"a"}\n')
    (document,) = read(tmp_path / "x.jsonl")[0]
    assert (document.key, document.offset) == ("a", 3)
    (tmp_path / "y.csv").write_bytes("id,t\n1,2\n".encode("utf-16"))
    with pytest.raises(SourceError, match="UTF-16"):
        read(tmp_path / "y.csv")


def test_columns_and_names_are_those_of_sql(tmp_path):
    with sqlite3.connect(tmp_path / "x.sqlite") as connection:
        connection.execute('CREATE TABLE "odd ""name" (key INTEGER, data BLOB, num REAL)')
        connection.execute('INSERT INTO "odd ""name" VALUES (1, ?, 1.5), (2, ?, NULL)', (b"text", b"\xff"))
    connection.close()
    documents, refused = read(f'{tmp_path}/x.sqlite#odd "name', id_field="key")
    assert plain(documents) == [{"id": "1", "data": "text", "num": 1.5}]
    assert [(e.line, e.reason) for e in refused] == [(2, "invalid_utf8")]


def test_parquet_values_become_json_values(tmp_path):
    import datetime
    import decimal

    import pyarrow as pa
    import pyarrow.parquet as pq

    row = {"id": 7, "day": datetime.date(2020, 1, 2), "price": decimal.Decimal("1.50"), "nan": float("nan"), "tags": ["a"], "sub": {"x": 1}}
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "x.parquet")
    (document,) = read(tmp_path / "x.parquet")[0]
    fields = {"day": "2020-01-02", "price": 1.5, "tags": ["a"], "sub": {"x": 1}}
    assert document == Document("7", fields, str(tmp_path / "x.parquet"), 1, 0)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("missing.jsonl", None, "No such file"),
        ("x.docx", b"", "unknown kind"),
        ("x.jsonl.gz", gzip.compress(b'{"id":"a"}\n' * 1000, mtime=0)[:-20], "damaged"),
        ("x.jsonl.zst", zstandard.ZstdCompressor().compress(b'{"id":"a"}\n' * 1000)[:-6], "damaged"),
        ("x.csv", b"name,text\n1,2\n", "no column 'id'"),
        ("x.csv", b"id,text,text\n1,2,3\n", "there twice"),
        ("x.parquet", b"PAR1 not really", "Parquet"),
        ("x.db", b"SQLite format 3\0 not really", "SQLite"),
        ("x.jsonl#docs", None, "No such file"),
    ],
)
def test_bad_sources_give_one_clear_error(tmp_path, name, content, expected):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=expected) as raised:
        read(tmp_path / name)
    assert str(tmp_path / name) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_an_unknown_table_lists_the_tables(tmp_path):
    write_sqlite(tmp_path / "x.db")
    with pytest.raises(SourceError, match="the tables are: docs"):
        read(f"{tmp_path}/x.db#nope")


def test_a_compression_bomb_is_stopped(tmp_path):
    bomb = tmp_path / "x.jsonl.gz"
    with gzip.open(bomb, "wb") as file:
        for _ in range(100):
            file.write(b'{"id":"a"}\n' + b" " * (1 << 20) + b"\n")
    with pytest.raises(SourceError, match="200:1"):
        read(bomb)


def test_several_members_and_frames_are_one_stream(tmp_path):
    lines = [b'{"id":"%d"}\n' % i for i in range(4)]
    (tmp_path / "a.jsonl.gz").write_bytes(b"".join(map(gzip.compress, lines)))
    (tmp_path / "b.jsonl.zst").write_bytes(b"".join(zstandard.ZstdCompressor().compress(line) for line in lines))
    assert [d.key for d in read(tmp_path / "a.jsonl.gz", tmp_path / "b.jsonl.zst")[0]] == list("01230123")


def test_standard_input_twice_is_refused():
    with pytest.raises(SourceError, match="only once"):
        find_sources(["-", "-"])


@settings(max_examples=examples(60), deadline=None)
@given(st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=20)), max_size=20), st.integers(1, 200), st.sampled_from([None, 1]))
def test_any_cut_gives_the_same_documents(records, chunk_bytes, indent):
    records = [{**{k: v for k, v in r.items() if k}, "id": f"k{i}"} for i, r in enumerate(records)]
    lines = "".join(json.dumps(r, ensure_ascii=i % 2 == 0) + "\n" for i, r in enumerate(records)).encode()
    whole = json.dumps(records, indent=indent).encode()
    for data, cutter in ((lines, jsonl.cut), (whole, array.cut)):
        chunks = list(cutter(io.BytesIO(data), "x", chunk_bytes))
        found = [one for chunk in chunks for one in chunk.documents("id")]
        assert plain(found) == [{"id": r["id"], **{k: v for k, v in r.items() if k != "id"}} for r in records]
        assert all(data[d.offset : d.offset + 1] == b"{" for d in found)


@settings(max_examples=examples(60), deadline=None)
@given(st.lists(st.tuples(st.text(max_size=8), st.text(alphabet='a,"\n\t é', max_size=12)), max_size=15), st.integers(1, 100))
def test_any_csv_table_round_trips(rows, chunk_bytes):
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerows([("id", "a", "b"), *((f"k{i}", a, b) for i, (a, b) in enumerate(rows))])
    chunks = list(delimited.cut_csv(io.BytesIO(text.getvalue().encode("utf-8", "replace")), "x", chunk_bytes, "id"))
    found = [one for chunk in chunks for one in chunk.documents("id")]
    expected = [{k: v for k, v in (("a", a), ("b", b)) if v} for a, b in rows]
    assert [d.fields for d in found] == [{k: v.encode("utf-8", "replace").decode() for k, v in e.items()} for e in expected]


def test_chunks_of_a_folder_respect_the_size(tmp_path):
    for i in range(5):
        (tmp_path / f"{i}.txt").write_text("x" * 1000)
    assert len(list(cut(find_sources([str(tmp_path)]), "id", 1500))) == 5
