"""An engine as transformers of PyTerrier, to put into its pipelines and experiments (``pip install searchd[pyterrier]``; no Java is needed).

    first = Retrieve(engine, model="none")
    pt.Experiment([first, first % 100 >> Rerank(engine), bm25 >> Rerank(engine)], topics, qrels, [nDCG@10])

Frames have PyTerrier's columns: queries ``qid, query``; results ``qid, query, docno, score, rank`` with ranks from 0. Queries are plain texts of any
length, as for ``searchd run``: no query syntax, nothing logged. Scores fall strictly in the order served, since measures sort by them and break ties
their own way. See Macdonald and Tonellotto, "Declarative Experimentation in Information Retrieval using PyTerrier" (ICTIR 2020).
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyterrier as pt

from indexer.errors import SearchdError
from searchd.runs import falling_scores

RESULT = ("docno", "score", "rank")


class FrameError(SearchdError):
    """A frame without the columns that a transformer needs."""

    code = "bad_frame"


class Retrieve(pt.Transformer):
    """Queries -> the first ``depth`` documents of each. ``model``: a name, ``active`` or ``none``; ``fields``: stored fields to add as columns."""

    def __init__(self, engine: Any, depth: int = 1000, model: str = "active", fields: Sequence[str] = ()) -> None:
        self.engine, self.depth, self.model, self.fields = engine, depth, model, tuple(fields)

    def transform(self, inp: pd.DataFrame) -> pd.DataFrame:
        """The results of every query of a frame, in its order. Queries that find nothing have no row."""
        queries = queries_of(inp)
        return _joined(queries, [self._rows(str(qid), str(query)) for qid, query in zip(queries["qid"], queries["query"])], self.fields)

    def _rows(self, qid: str, query: str) -> pd.DataFrame:
        if not query.strip():
            return _frame(qid, [], np.zeros(0), {})
        found = self.engine.rank(query, self.depth, self.model, features=False)
        return _frame(qid, found.keys, found.scores, texts_of(self.engine, found.docs.tolist(), self.fields))

    def __repr__(self) -> str:
        return f"Retrieve({self.engine.home.root}, model={self.model})"


class Rerank(pt.Transformer):
    """Results -> the same documents of each query in the order of a model. Those that the engine does not have come last, in the order they had."""

    def __init__(self, engine: Any, model: str = "active") -> None:
        self.engine, self.model = engine, model

    def transform(self, inp: pd.DataFrame) -> pd.DataFrame:
        """The frame with new scores and ranks, best first within each query; other columns stay."""
        _require(inp, ("qid", "query", "docno"))
        kept = inp.drop(columns=[name for name in ("score", "rank") if name in inp.columns])
        scored = pd.concat([self._rows(qid, group) for qid, group in _by_query(inp)] or [_frame("", [], np.zeros(0), {})])
        ranked = scored.merge(kept.astype({"qid": str, "docno": str}), on=["qid", "docno"], how="left")
        return ranked[[*kept.columns, "score", "rank"]].reset_index(drop=True)

    def _rows(self, qid: str, group: pd.DataFrame) -> pd.DataFrame:
        keys = list(dict.fromkeys(map(str, group["docno"])))
        found, unknown = self.engine.rank_documents(str(group["query"].iloc[0]), keys, self.model)
        last = found.scores[-1] if len(found.scores) else 0.0
        return _frame(qid, [*found.keys, *unknown], np.concatenate([found.scores, np.full(len(unknown), last)]), {})

    def __repr__(self) -> str:
        return f"Rerank({self.engine.home.root}, model={self.model})"


def queries_of(frame: pd.DataFrame) -> pd.DataFrame:
    """The queries of a frame of queries or results, one row each, without the columns of documents."""
    _require(frame, ("qid", "query"))
    names = [name for name in frame.columns if name == "qid" or str(name).startswith("query")]
    return frame[names].drop_duplicates("qid").astype({"qid": str})


def texts_of(engine: Any, docs: Sequence[int], fields: Sequence[str]) -> dict[str, list[str]]:
    """The stored fields of documents as columns of text; lists are joined by a space, what is missing is empty."""
    if not fields:
        return {}
    stored = [engine.index.stored(doc) for doc in docs]
    return {name: [_text(document.get(name)) for document in stored] for name in fields}


def _text(value: Any) -> str:
    if value is None:
        return ""
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _require(frame: pd.DataFrame, names: Sequence[str]) -> None:
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise FrameError(
            f"expected a frame with columns {', '.join(names)}, found none named {', '.join(missing)}; put a retriever or topics before"
        )


def _by_query(frame: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    for qid, group in frame.groupby("qid", sort=False):
        yield str(qid), group


def _frame(qid: str, keys: Sequence[str], scores: np.ndarray, texts: dict[str, list[str]]) -> pd.DataFrame:
    columns = {
        "qid": [qid] * len(keys),
        "docno": list(keys),
        "score": falling_scores(scores).astype(np.float64),
        "rank": np.arange(len(keys)),
    }
    return pd.DataFrame({**columns, **texts}).astype({"qid": str, "docno": str})


def _joined(queries: pd.DataFrame, results: list[pd.DataFrame], fields: Sequence[str]) -> pd.DataFrame:
    found = pd.concat(results or [_frame("", [], np.zeros(0), {name: [] for name in fields})])
    return found.merge(queries, on="qid", how="left")[[*queries.columns, *RESULT, *fields]].reset_index(drop=True)
