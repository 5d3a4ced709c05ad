"""tantivy (Rust): positions and stored text, built by one thread, merged where its policy does so by itself.

It keeps document lengths in one byte, so its scores and its work are a little less than exact, and answers with addresses of documents.
Queries are made of terms, not parsed from text: both take the same time.
"""

from pathlib import Path
from typing import Any

from engines.base import PackageEngine, by_suffix, texts_of

SUFFIXES = {
    ".idx": "retrieval: postings",
    ".term": "retrieval: terms",
    ".fieldnorm": "retrieval: lengths",
    ".pos": "positions",
    ".store": "stored",
}


class TantivyEngine(PackageEngine):
    name = "tantivy"
    modes = ("or", "and", "phrase")

    @classmethod
    def build(cls, source: Path, folder: Path) -> None:
        import tantivy

        builder = tantivy.SchemaBuilder()
        builder.add_text_field("text", stored=True, tokenizer_name="whitespace", index_option="position")
        # For the comparison with exact scores: its answers name documents by segment otherwise.
        builder.add_unsigned_field("number", stored=False, indexed=False, fast=True)
        folder.mkdir(parents=True)
        index = tantivy.Index(builder.build(), path=str(folder))
        writer = index.writer(heap_size=1_000_000_000, num_threads=1)
        for number, text in enumerate(texts_of(source)):
            document = tantivy.Document()
            document.add_text("text", text)
            document.add_unsigned("number", number)
            writer.add_document(document)
        writer.commit()
        writer.wait_merging_threads()

    def __init__(self, folder: Path) -> None:
        import tantivy

        index = tantivy.Index.open(str(folder))
        self._tantivy, self._schema, self._searcher = tantivy, index.schema, index.searcher()

    def retrieve(self, text: str, k: int, mode: str) -> Any:
        return self._searcher.search(self._query(text.split(), mode), limit=k, count=False)

    def _query(self, words: list[str], mode: str) -> Any:
        query, schema = self._tantivy.Query, self._schema
        if mode == "phrase":
            return query.phrase_query(schema, "text", words)
        occur = self._tantivy.Occur.Should if mode == "or" else self._tantivy.Occur.Must
        return query.boolean_query([(occur, query.term_query(schema, "text", word)) for word in words])

    def numbers(self, found: Any) -> list[int]:
        addresses = [address for _, address in found.hits]
        return [int(number) for number in self._searcher.fast_field_values("number", addresses)]

    @classmethod
    def structures(cls, folder: Path) -> dict[str, int]:
        return by_suffix(folder, SUFFIXES)
