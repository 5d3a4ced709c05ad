"""Answers of the API to HTTP responses with a body of JSON."""

from typing import Any, NamedTuple

import msgspec
import numpy as np
from flask import Response

from searchd.answers import HitAnswer


class Plain(NamedTuple):
    """A good answer before it is a response of Flask: the bytes of JSON, and headers beside the usual ones."""

    body: bytes
    headers: tuple[tuple[str, str], ...] = ()

    def response(self) -> Response:
        """The same as a response."""
        return Response(self.body, headers=list(self.headers), mimetype="application/json")


def json_bytes(answer: Any) -> bytes:
    """An answer as JSON; numbers of NumPy are written as numbers, what is no number (NaN, infinity) as null."""
    try:
        return _ENCODER.encode(answer)
    except UnicodeEncodeError:  # a document that was indexed with a lone surrogate, which JSON in UTF-8 cannot hold
        return _ENCODER.encode(_scrubbed(msgspec.to_builtins(answer, enc_hook=_plain)))


def hit_answer(hit: Any) -> HitAnswer:
    """A Hit as the API tells it."""
    return HitAnswer(hit.id, float(hit.score), hit.document, hit.highlights, hit.features, hit.explanation)


def hits_json(hits: list[Any]) -> bytes:
    """The JSON of the hits of a page."""
    return json_bytes([hit_answer(hit) for hit in hits])


def json_response(answer: Any, status: int = 200) -> Response:
    """The same as a response."""
    return Response(json_bytes(answer), status=status, mimetype="application/json")


def _scrubbed(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {_scrubbed(name): _scrubbed(part) for name, part in value.items()}
    return [_scrubbed(part) for part in value] if isinstance(value, list | tuple) else value


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, msgspec.Raw):  # where all of an answer has to be looked through
        return msgspec.json.decode(value)
    if hasattr(value, "_asdict"):
        return value._asdict()
    return str(value)


_ENCODER = msgspec.json.Encoder(enc_hook=_plain)
