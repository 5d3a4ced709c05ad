"""BM25 by definition, in float64 over the texts themselves: what every engine's top 10 is compared with."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from engines.base import K1, B, texts_of


class Oracle:
    """Scores of whole collections for a few queries: Robertson's BM25 with Lucene's idf, ln(1 + (N - df + 0.5) / (df + 0.5))."""

    def __init__(self, source: Path, queries: Sequence[str]) -> None:
        """Reads the collection once and counts the queries' words."""
        wanted = {word for text in queries for word in text.split()}
        lengths: list[int] = []
        postings: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for number, text in enumerate(texts_of(source)):
            words = text.split()
            lengths.append(len(words))
            for word, count in Counter(filter(wanted.__contains__, words)).items():
                postings[word].append((number, count))
        self._norms = K1 * (1 - B + B * np.array(lengths) / np.mean(lengths))
        self._postings = {word: np.array(found, np.int64).T for word, found in postings.items()}

    def scores(self, text: str) -> np.ndarray:
        """float64[documents]; 0 where no word occurs."""
        total = np.zeros(len(self._norms))
        for word in text.split():
            docs, counts = self._postings[word]
            idf = np.log1p((len(total) - len(docs) + 0.5) / (len(docs) + 0.5))
            total[docs] += idf * counts * (K1 + 1) / (counts + self._norms[docs])
        return total

    def agreement(self, text: str, found: Sequence[int], k: int) -> float:
        """The share of an exact top k that an answer has; any of equal scores will do (relative 1e-5, float32 sums)."""
        scores = self.scores(text)
        expected = min(k, int(np.count_nonzero(scores)))
        least = np.partition(scores, -expected)[-expected] * (1 - 1e-5)
        return float(np.count_nonzero(scores[list(dict.fromkeys(found))[:k]] >= least)) / expected
