"""One segment file, read-only: what the kernels of retrieval, features and filters see of a set of documents.

Everything is a view of the mapped file, checked page by page as it is used; opening costs the same for any size. Documents are numbered from
0; a document that was deleted later keeps its number and is marked in the segment's *tombstones*, a small file of its own, which also says by
how much each df and length fell, so that scores are those of an index without it.
"""

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import orjson

from indexer.columns import Column, read_column
from indexer.container import Container, ContainerWriter, FileInfo
from indexer.document_keys import DocumentKeys
from indexer.format import Corrupt
from indexer.forward import GROUP, Forward
from indexer.lengths import Lengths
from indexer.stored import StoredFields
from indexer.terms import TermDictionary


class Segment:
    """A segment with its tombstones. ``live`` bool[N], None = all; ``length_totals`` and ``length_counts`` uint64[F] are of live documents."""

    def __init__(self, path: Path, tombstones: Path | None = None) -> None:
        """Map and check structure and what is small; raises Corrupt or VersionMismatch. All else is checked where it is first used, so
        everything here may raise Corrupt."""
        self.path = path
        self._container = container = Container(path)
        meta = _read_meta(container)
        self.num_docs: int = meta["documents"]
        self.num_terms: int = meta["terms"]
        self.num_postings: int = meta["postings"]
        self.id_field: str = meta["id_field"]
        self.text_fields: tuple[str, ...] = tuple(meta["text_fields"])
        self.lengths = Lengths(container.family("lengths.", Lengths.SECTIONS), len(self.text_fields), self.num_docs)
        self.postings = container.family("postings.")
        self.forward = Forward(container.family("forward.", Forward.SECTIONS))
        self.terms = TermDictionary(container, self.num_terms)
        self._keys = DocumentKeys(container, self.num_docs)
        self._stored = StoredFields(container, self.num_docs)
        self._columns = {name: (number, kind) for number, (name, kind) in enumerate(meta["columns"])}
        self._check_shapes()
        self._bury(tombstones)

    def with_tombstones(self, path: Path, tombstones: Path | None) -> Self:
        """The same segment, found at ``path`` in another generation, with other tombstones: all that was read and checked is shared."""
        other = copy.copy(self)
        other.path = path
        other._bury(tombstones)
        return other

    def owns(self, path: Path) -> bool:
        """Whether this is the file that the segment's bytes are read from."""
        return path in (self.path, self._container.path)

    @property
    def lost(self) -> tuple[np.ndarray, np.ndarray]:
        """Terms that deleted documents had, ascending ids uint32[n], and how many of these had each, int64[n]. Do not change."""
        return self._lost_terms, self._lost_df

    def lookup(self, terms: Sequence[str]) -> np.ndarray:
        """Ids of terms, int32[n]; -1 = absent."""
        return self.terms.lookup(terms)

    def term(self, term_id: int) -> str:
        """The term with an id."""
        return self.terms.term(term_id)

    def df(self, ids: np.ndarray) -> np.ndarray:
        """Live documents that hold each term: ids from 0 to T - 1, int[n] -> int64[n]."""
        found = self.terms.df(ids)
        if len(self._lost_terms):
            wanted = np.asarray(ids, np.uint32)
            places = np.minimum(np.searchsorted(self._lost_terms, wanted), len(self._lost_terms) - 1)
            found -= np.where(self._lost_terms[places] == wanted, self._lost_df[places], 0)
        return found

    def prefix(self, prefix: str, limit: int) -> list[tuple[str, int]]:
        """Up to ``limit`` terms that begin with ``prefix`` and their df, most frequent first."""
        ids = self.terms.with_prefix(prefix, limit)
        return [(term, df) for term, df in zip(self.terms.terms(ids), self.df(ids).tolist()) if df]

    def prefix_ids(self, prefix: str) -> np.ndarray:
        """Ids of all terms that begin with ``prefix``, int64[n], ascending."""
        return self.terms.with_prefix(prefix, self.num_terms)

    def sequence(self, doc: int, field: int) -> np.ndarray:
        """Term ids of a text field in order, int32; -1 = gap."""
        return self.forward.row(doc * len(self.text_fields) + field)

    def key(self, doc: int) -> str:
        """The caller's id of a document."""
        return self._keys.key(doc)

    def keys(self, docs: np.ndarray) -> list[str]:
        """The caller's ids of documents, int[n]."""
        return self._keys.keys(docs)

    def doc(self, key: str) -> int:
        """The live document with a key, -1 when there is none."""
        doc = self._keys.doc(key)
        return -1 if doc < 0 or (self.live is not None and not self.live[doc]) else doc

    def docs(self, keys: Sequence[str]) -> np.ndarray:
        """The live documents with keys, int64[n]; -1 where there is none."""
        docs = self._keys.docs(keys)
        return docs if self.live is None else np.where((docs >= 0) & self.live[docs], docs, -1)

    def stored(self, doc: int) -> dict[str, Any]:
        """The original document with its id."""
        return {self.id_field: self.key(doc), **self._stored[doc]}

    def documents(self, docs: np.ndarray) -> list[dict[str, Any]]:
        """The original documents, int64[n], with their ids."""
        return [{self.id_field: key, **fields} for key, fields in zip(self.keys(docs), self._stored.documents(docs))]

    def fields(self, doc: int) -> dict[str, Any]:
        """The original document without its id."""
        return self._stored[doc]

    def column(self, name: str) -> Column:
        """The column of a field; KeyError when the schema has none of this name."""
        number, kind = self._columns[name]
        return read_column(self._container, number, kind)

    def damaged_sections(self) -> list[str]:
        """Names of sections whose bytes changed; reads the whole file."""
        return self._container.damaged_sections()

    def _check_shapes(self) -> None:
        """What the kernels rely on, checked once."""
        rows = self.num_docs * len(self.text_fields)
        for name, shape in {"forward.starts": (rows + 1,), "forward.bases": (rows // GROUP + 1,)}.items():
            found = self._container.pages(name).view.shape
            if found != shape:
                raise Corrupt(self.path, f"expected shape {shape}, found {found}", name)

    def _bury(self, path: Path | None) -> None:
        self.live: np.ndarray | None = None
        self.num_live = self.num_docs
        self.length_totals, self.length_counts = self.lengths.totals, self.lengths.having
        self._lost_terms, self._lost_df = np.zeros(0, np.uint32), np.zeros(0, np.int64)
        if path is None:
            return
        tombstones = Container(path)
        deleted, terms, minus = tombstones["deleted"], tombstones["terms"], tombstones["minus"]
        if len(deleted) and int(deleted[-1]) >= self.num_docs or len(terms) and int(terms.max()) >= self.num_terms:
            raise Corrupt(tombstones.path, f"does not belong to {self.path.name}", "deleted")
        self.live = np.ones(self.num_docs, np.bool_)
        self.live[deleted] = False
        self.num_live = self.num_docs - len(deleted)
        self._lost_terms, self._lost_df = terms, minus.astype(np.int64)
        lost = self.lengths[:, deleted]
        self.length_totals = self.length_totals - lost.sum(axis=1, dtype=np.uint64)
        self.length_counts = self.length_counts - np.count_nonzero(lost, axis=1).astype(np.uint64)


def write_tombstones(path: Path, deleted: np.ndarray, terms: np.ndarray, minus: np.ndarray) -> FileInfo:
    """Mark documents as deleted: ``deleted`` ascending; ``minus[i]`` of them held the term ``terms[i]`` (ascending ids)."""
    with ContainerWriter(path) as writer:
        writer.add("deleted", deleted.astype(np.uint32))
        writer.add("terms", terms.astype(np.uint32))
        writer.add("minus", minus.astype(np.uint32))
        return writer.finish()


def _read_meta(container: Container) -> dict[str, Any]:
    try:
        return orjson.loads(container["meta"].tobytes())
    except orjson.JSONDecodeError as error:
        raise Corrupt(container.path, f"not JSON ({error})", "meta") from error
