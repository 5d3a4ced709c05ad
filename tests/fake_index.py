"""An index of a few documents held in lists, with the doors that features use: for tests that need no files."""

from types import SimpleNamespace
from typing import NamedTuple

import numpy as np

from indexer.forward import Forward, locate_rows
from indexer.lengths import Lengths, encode_lengths
from indexer.pages import Family
from indexer.schema import Field, Schema


class Term(NamedTuple):
    """As much of a query term as features read."""

    term: str
    weight: float = 1.0


def varints(numbers):
    out = bytearray()
    for number in numbers:
        while number >= 0x80:
            out.append(number & 0x7F | 0x80)
            number >>= 7
        out.append(number)
    return bytes(out)


class FakeSegment:
    """``docs``: a list of documents; a document is a list of sequences (one a text field) of terms, None for a gap."""

    def __init__(self, docs, columns=None, first_id=0):
        terms = dict.fromkeys(t for doc in docs for sequence in doc for t in sequence if t is not None)
        self.ids = {t: first_id + i for i, t in enumerate(terms)}
        rows = [varints(0 if t is None else self.ids[t] + 1 for t in sequence) for doc in docs for sequence in doc]
        data = np.frombuffer(b"".join(rows) or b"\0", np.uint8)
        self.forward = Forward.in_memory(data, locate_rows(np.array([len(row) for row in rows], np.int64)))
        lengths = np.array([[sum(t is not None for t in s) for s in doc] for doc in docs], np.uint32).T.copy()
        self.lengths = Lengths(Family.in_memory(encode_lengths(lengths)), *lengths.shape)
        self.num_docs = len(docs)
        self.docs = docs
        self.columns = columns or {}

    def lookup(self, terms):
        return np.array([self.ids.get(t, -1) for t in terms], np.int32)

    def column(self, name):
        values = self.columns[name]
        valid = np.array([v is not None for v in values])
        return SimpleNamespace(kind="float", values=np.array([v or 0 for v in values], float), valid=valid)


class FakeIndex:
    """Segments behind one another; the analyser splits at blanks and calls a run of one-letter capitals Han characters of nobody."""

    def __init__(self, segments, schema=None):
        self.segments = segments
        self.bases = np.cumsum([0, *(s.num_docs for s in segments)])[:-1].astype(np.int64)
        self.num_docs = self.max_doc = sum(s.num_docs for s in segments)
        num_fields = len(segments[0].docs[0])
        self.schema = schema or Schema(fields=tuple(Field(f"text{f}", "text") for f in range(num_fields)))
        lengths = np.concatenate([s.lengths for s in segments], axis=1).astype(float)
        self.avg_lengths = lengths.sum(axis=1) / np.maximum((lengths > 0).sum(axis=1), 1)

    def keys(self, docs):
        return [f"d{doc}" for doc in docs]

    def df(self, terms):
        docs = [doc for s in self.segments for doc in s.docs]
        return np.array([sum(any(_has(sequence, t) for sequence in doc) for doc in docs) for t in terms], np.int64)

    def analyzer(self, _name):
        return SimpleNamespace(sequence=atoms, query_terms=lambda text: [Term(a) for a in dict.fromkeys(atoms(text))])


def atoms(text):
    """Words at blanks; Han characters one by one."""
    out = []
    for word in text.split():
        out += ["\x01" + c for c in word] if "\u4e00" <= word[0] <= "\u9fff" else [word]
    return out


def _has(sequence, term):
    if term[:1] in ("\x02", "\x03"):
        wanted = ["\x01" + c for c in term[1:]]
        return any(sequence[i : i + len(wanted)] == wanted for i in range(len(sequence)))
    return term in sequence
