"""bm25s (NumPy and Numba): scores of every posting are computed beforehand; a query adds up whole lists and selects the best.

No AND, no phrases, no positions, no stored text. It answers with ``k`` documents even where fewer have a term (score 0), and the index lies in
memory. Asked as a list of words, with its Numba backend in one thread.
"""

from pathlib import Path
from typing import Any

import numpy as np

from engines.base import K1, B, PackageEngine, by_suffix, texts_of


class Bm25sEngine(PackageEngine):
    name = "bm25s"
    modes = ("or",)

    @classmethod
    def build(cls, source: Path, folder: Path) -> None:
        import bm25s

        vocabulary: dict[str, int] = {}
        ids = [[vocabulary.setdefault(word, len(vocabulary)) for word in text.split()] for text in texts_of(source)]
        model = bm25s.BM25(method="lucene", k1=K1, b=B, backend="numba")
        model.index((ids, vocabulary), show_progress=False)
        model.save(str(folder))

    def __init__(self, folder: Path) -> None:
        import bm25s

        self._model = bm25s.BM25.load(str(folder), backend="numba", load_corpus=False)

    def retrieve(self, text: str, k: int, mode: str) -> Any:
        return self._model.retrieve([text.split()], k=k, n_threads=1, show_progress=False)

    def numbers(self, found: Any) -> list[int]:
        return [int(doc) for doc, score in zip(found.documents[0], np.asarray(found.scores)[0]) if score > 0]

    @classmethod
    def structures(cls, folder: Path) -> dict[str, int]:
        return by_suffix(folder, {".npy": "retrieval: postings", ".json": "retrieval: terms"})
