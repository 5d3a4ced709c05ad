"""What people clicked before, as features: smoothed click rates of documents, and of documents under a query, as a table that a model carries.

`ranker.behaviour_rates` learns it from a click log. A pair or a document that was hardly looked at has no rate: missing is NaN.

The table is a file of the model, its hash is part of the fingerprint of the model's features, so what serves, what is logged and what is replayed
are the same numbers. Queries stand in it as hashes: a model that is copied tells nobody what was asked.
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.errors import SearchdError
from ranker.click_rates import ClickRates
from ranker.feature_registry import Feature
from ranker.sessions import normalised

PREFIX = "behaviour."
NAMES = tuple(PREFIX + name for name in ("pair_rate", "pair_lift", "pair_looks", "document_rate", "document_looks"))
MEANINGS = (
    "Clicks a look of this document under this query, drawn to the query's rate.",
    "The same over the query's rate, log.",
    "Looks at this document under this query, log.",
    "Clicks a look of this document under all queries, drawn to the rate of the log.",
    "Looks at this document, log.",
)
VERSION = 1
LARGEST = float(np.finfo(np.float32).max)

Rates = dict[str, tuple[float, ...]]


class BadBehaviour(SearchdError):
    """A table of click rates that is not of the form that is written here."""

    code = "bad_behaviour"


class Behaviour(NamedTuple):
    """``pairs``: by hash of the query, by key, (rate, lift, looks); ``documents``: by key, (rate, looks), as features are. Treat as immutable."""

    pairs: dict[str, Rates]
    documents: Rates

    def encoded(self) -> bytes:
        """As the file of a model; floats are written so that they are read back to the bit."""
        told = {"version": VERSION, "pairs": self.pairs, "documents": self.documents}
        return (json.dumps(told, ensure_ascii=False, sort_keys=True, allow_nan=False) + "\n").encode()

    @property
    def digest(self) -> str:
        """64 hex digits that name the table."""
        return hashlib.sha256(self.encoded()).hexdigest()

    def columns(self, text: str, keys: Sequence[str]) -> NDArray[np.float32]:
        """float32[k, 5] in the order of NAMES for documents under a query."""
        pairs = self.pairs.get(query_hash(text), {})
        rows = [(*pairs.get(key, (math.nan,) * 3), *self.documents.get(key, (math.nan,) * 2)) for key in keys]
        return np.array(rows, np.float32).reshape(len(keys), len(NAMES))

    def features(self) -> dict[str, Feature]:
        """The columns as features, by name."""
        rates = ClickRates(self.pairs, self.documents, query_hash)
        return {name: partial(rates.column, column=column) for column, name in enumerate(NAMES)}


def query_hash(text: str) -> str:
    """16 hex digits of a query's normalised text."""
    return hashlib.blake2b(normalised(text).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def read_behaviour(data: bytes, where: str) -> Behaviour:
    """The table of a file; raises BadBehaviour."""
    try:
        told = json.loads(data)
        if told["version"] != VERSION:
            raise ValueError(f"version {told['version']!r}")
        pairs = {_name(query): _rates(rates, 3) for query, rates in told["pairs"].items()}
        return Behaviour(pairs, _rates(told["documents"], 2))
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise BadBehaviour(f"{where}: expected click rates by query and document, found something else ({error}); train it again") from None


def _rates(told: Mapping[str, Any], width: int) -> Rates:
    return {_name(key): _numbers(values, width) for key, values in told.items()}


def _numbers(values: Any, width: int) -> tuple[float, ...]:
    if len(values) != width or not all(type(value) in (int, float) and abs(value) <= LARGEST for value in values):
        raise ValueError(f"expected {width} numbers that float32 holds, found {str(values)[:60]}")
    return tuple(map(float, values))


def _name(text: Any) -> str:
    if not isinstance(text, str):
        raise TypeError(f"expected a name, found {text!r:.60}")
    return text
