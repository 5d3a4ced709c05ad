"""Values of one field -> arrays over documents, for filters, facets and sorting.

Numbers, dates (seconds) and booleans are one value a document and a flag whether it is there. Keywords are a list of codes a document, into
a sorted dictionary: comparing codes compares strings.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

import indexer.values as values
from indexer.container import Container, ContainerWriter
from indexer.schema import Field
from indexer.strings import Strings, concatenate, merge_sorted, pack, take

DTYPES = {"integer": "<i8", "float": "<f8", "date": "<f8", "boolean": "|b1"}


@dataclass(frozen=True)
class Column:
    """One column of a segment. Keyword: ``offsets`` int64[n + 1], ``ords`` uint32, ``dictionary`` sorted; others: ``values`` and ``valid``
    bool[n]."""

    kind: str
    values: np.ndarray | None = None
    valid: np.ndarray | None = None
    offsets: np.ndarray | None = None
    ords: np.ndarray | None = None
    dictionary: Strings | None = None

    def ordinal(self, text: str) -> int:
        """Code of a keyword, -1 when no document has it."""
        assert self.dictionary is not None
        low, high = 0, len(self.dictionary)
        wanted = text.encode("utf-8", "surrogatepass")
        while low < high:
            middle = (low + high) // 2
            if self.dictionary.text(middle).encode("utf-8", "surrogatepass") < wanted:
                low = middle + 1
            else:
                high = middle
        return low if low < len(self.dictionary) and self.dictionary.text(low) == text else -1


class ColumnBuilder:
    """Collects the values of one field, document by document."""

    def __init__(self, field: Field) -> None:
        self.field = field
        self._values: list = []

    def append(self, value: object) -> None:
        """Add what ``read`` returned for the next document."""
        self._values.append(value)

    def read(self, value: object) -> object:
        """A raw value in the column's own terms; raises BadDocument."""
        if self.field.type == "keyword":
            return values.keywords(value)
        return values.parse(self.field.type, value, self.field.name)

    def build(self) -> Column:
        """The column of everything appended."""
        if self.field.type == "keyword":
            return _keyword_column(self._values)
        dtype = DTYPES[self.field.type]
        valid = np.fromiter((v is not None for v in self._values), np.bool_, len(self._values))
        return Column(self.field.type, np.fromiter((v or 0 for v in self._values), dtype, len(self._values)), valid)


def _keyword_column(lists: Sequence[list[str]]) -> Column:
    distinct = sorted({text for texts in lists for text in texts})
    code = {text: i for i, text in enumerate(distinct)}
    ords = np.fromiter((code[text] for texts in lists for text in texts), np.uint32)
    return Column("keyword", offsets=_offsets(map(len, lists)), ords=ords, dictionary=pack(distinct))


def _offsets(sizes: Iterable[int]) -> np.ndarray:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(np.fromiter(sizes, np.int64), dtype=np.int64)])


def to_sections(column: Column) -> dict[str, np.ndarray]:
    """The arrays of a column by the names they have in a file."""
    if column.kind != "keyword":
        assert column.values is not None and column.valid is not None
        stored = column.values.view(np.uint8) if column.kind == "boolean" else column.values
        return {"values": stored, "valid": column.valid.view(np.uint8)}
    assert column.offsets is not None and column.ords is not None and column.dictionary is not None
    dictionary = column.dictionary
    return {
        "offsets": column.offsets,
        "ords": column.ords,
        "dictionary.data": dictionary.data,
        "dictionary.offsets": dictionary.offsets.astype(np.int64),
    }


def write_column(writer: ContainerWriter, number: int, column: Column) -> None:
    """Write the column of field ``number`` among the schema's columns."""
    writer.add_all(f"columns.{number}.", to_sections(column))


def read_column(container: Container | Mapping[str, np.ndarray], number: int, kind: str) -> Column:
    """The column as views of a mapped file's arrays."""
    at = f"columns.{number}."
    if kind != "keyword":
        stored = container[at + "values"]
        found = stored.view(np.bool_) if kind == "boolean" else stored
        return Column(kind, found, container[at + "valid"].view(np.bool_))
    dictionary = Strings(container[at + "dictionary.data"], container[at + "dictionary.offsets"])
    return Column(kind, offsets=container[at + "offsets"], ords=container[at + "ords"], dictionary=dictionary)


def merge_columns(kind: str, columns: Sequence[Column], kept: Sequence[np.ndarray]) -> Column:
    """One column of the kept documents (bool per document and part), in order; a keyword no kept document has leaves the dictionary."""
    if not columns:
        return ColumnBuilder(Field("", kind)).build()
    if kind != "keyword":
        merged = np.concatenate([c.values[k] for c, k in zip(columns, kept)])  # type: ignore[index]
        return Column(kind, merged, np.concatenate([c.valid[k] for c, k in zip(columns, kept)]))  # type: ignore[index]
    union, numbers = merge_sorted([c.dictionary for c in columns])  # type: ignore[misc]
    ords, sizes = [], []
    for column, keep, number in zip(columns, kept, numbers):
        assert column.offsets is not None and column.ords is not None
        size = np.diff(column.offsets)
        sizes.append(size[keep])
        ords.append(number[column.ords[np.repeat(keep, size)]])
    return _compact(union, np.concatenate(ords), np.concatenate(sizes))


def take_documents(columns: Sequence[Column], chosen: np.ndarray) -> Column:
    """The columns one after another, then of all their documents those numbered ``chosen``, in that order."""
    whole = merge_columns(columns[0].kind, columns, [np.ones(_num_docs(c), np.bool_) for c in columns])
    if whole.kind != "keyword":
        return Column(whole.kind, whole.values[chosen], whole.valid[chosen])  # type: ignore[index]
    assert whole.offsets is not None and whole.ords is not None and whole.dictionary is not None
    starts, sizes = whole.offsets[chosen], np.diff(whole.offsets)[chosen]
    places = np.repeat(starts - (np.cumsum(sizes) - sizes), sizes) + np.arange(sizes.sum())
    return _compact(whole.dictionary, whole.ords[places], sizes)


def _num_docs(column: Column) -> int:
    if column.offsets is not None:
        return len(column.offsets) - 1
    assert column.valid is not None
    return len(column.valid)


def _compact(union: Strings, ords: np.ndarray, sizes: np.ndarray) -> Column:
    used = np.unique(ords)
    new = np.zeros(len(union) + 1, np.uint32)
    new[used] = np.arange(len(used), dtype=np.uint32)
    return Column("keyword", offsets=_offsets(sizes), ords=new[ords], dictionary=concatenate([take(union, used)]))
