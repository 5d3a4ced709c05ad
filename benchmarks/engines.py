"""Ours and the peer behind the same two verbs: build from a JSONL file, answer a query."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

SCHEMA = """id_field = "id"
[fields.text]
type = "text"
analyzer = "whitespace"
b = 0.75
[retrieval]
k1 = 1.2
"""


def build_ours(source: Path, home: Path, jobs: int = 1, default_schema: bool = False) -> None:
    command = [sys.executable, "-m", "indexer", "build", str(source), "--home", str(home), "--jobs", str(jobs)]
    if not default_schema:
        schema = home.with_suffix(".toml")
        schema.write_text(SCHEMA)
        command += ["--schema", str(schema)]
    subprocess.run(command, check=True, capture_output=True)


def build_tantivy(source: Path, folder: Path) -> Any:
    """One thread, positions and stored text, merged to one segment where tantivy does so by itself."""
    import tantivy

    builder = tantivy.SchemaBuilder()
    builder.add_text_field("text", stored=True, tokenizer_name="whitespace", index_option="position")
    folder.mkdir()
    index = tantivy.Index(builder.build(), path=str(folder))
    writer = index.writer(heap_size=1_000_000_000, num_threads=1)
    with open(source, encoding="utf-8") as lines:
        for line in lines:
            document = tantivy.Document()
            document.add_text("text", json.loads(line)["text"])
            writer.add_document(document)
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    return index


class Tantivy:
    """A searcher that answers bags of words."""

    def __init__(self, index: Any) -> None:
        self.schema, self.searcher = index.schema, index.searcher()

    def retrieve(self, text: str, k: int, mode: str) -> Any:
        import tantivy

        occur = tantivy.Occur.Should if mode == "or" else tantivy.Occur.Must
        clauses = [(occur, tantivy.Query.term_query(self.schema, "text", word)) for word in text.split()]
        return self.searcher.search(tantivy.Query.boolean_query(clauses), limit=k, count=False)


def bytes_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
