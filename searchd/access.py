"""Who may do what: the key of a request against the scope of its route.

Searching, reading and sending events are open unless ``require_keys`` closes them; changing documents, models and everything under ``/admin``
always needs a key. A browser cannot send a Bearer header by itself, so reading also takes the key as the password of Basic authentication;
changing does not, since a browser repeats Basic credentials for foreign pages too. The forms of the dashboard are the exception: they take it
together with a proof that they come from here (``searchd.forms``), which is asked for here, so that no view can forget it.
"""

import math

from flask import g, request

from searchd.errors_http import HttpProblem
from searchd.forms import is_form, require_own_form
from searchd.keys import Key
from searchd.rate_limits import client_of
from searchd.service import Service, service

OPEN_SCOPES = ("search", "events")
ADMITTED = "searchd.admitted"  # in the environment of a request that has had its token of the rate limit


def authorize(scope: str) -> None:
    """Let the request pass or raise 401, 403 or 429; the key used is left in ``g.key``."""
    g.key = None
    if scope == "public":
        return
    svc = service()
    text = _presented()
    if text is not None:
        g.key = _checked(svc, text)
    _limit(svc, g.key)
    if scope in OPEN_SCOPES and not svc.settings.require_keys:
        return
    if g.key is None:
        raise HttpProblem(
            401, "missing_key", f"this needs a key of scope {scope}, as Authorization: Bearer KEY or X-API-Key: KEY", _challenge()
        )
    if not g.key.allows(scope):
        raise HttpProblem(403, "wrong_scope", f"this needs a key of scope {scope}, found one of {', '.join(g.key.scopes)}")
    if is_form():
        require_own_form(svc.secret, g.key.id)


def key_name() -> str:
    """Whose key this request has, for the story of what was changed: its id, and its label where it has one."""
    label = f" ({g.key.label})" if g.key.label else ""
    return f"key {g.key.id}{label}"


def _limit(svc: Service, key: Key | None) -> None:
    if request.environ.get(ADMITTED):
        return
    seconds = svc.limits.wait(f"key {key.id}" if key else client_of(request.remote_addr or ""))
    if seconds:
        svc.metrics.limited.inc()
        message = f"expected at most {svc.settings.rate_limit:g} requests a second, found more; wait {seconds:.2f} s"
        raise HttpProblem(429, "too_many_requests", message, {"Retry-After": str(math.ceil(seconds))})


def _checked(svc: Service, text: str) -> Key:
    address = request.remote_addr or ""
    if svc.failures.blocked(address):
        raise HttpProblem(429, "too_many_requests", "too many wrong keys from this address; try again in a minute", {"Retry-After": "60"})
    key = svc.keys.check(text)
    if key is None:
        svc.failures.add(address)
        raise HttpProblem(401, "invalid_key", "the key is unknown, has expired or was revoked", _challenge())
    return key


def _presented() -> str | None:
    """The key the request brings, from any of the places where it may stand."""
    header = request.headers.get("X-API-Key")
    if header:
        return header.strip()
    authorization = request.authorization
    if authorization is None:
        return None
    if authorization.type == "basic" and (_safe_for_browsers() or is_form()):
        return authorization.password
    return authorization.token if authorization.type == "bearer" else None


def _safe_for_browsers() -> bool:
    return request.method in ("GET", "HEAD") or request.path == "/v1/events"


def _challenge() -> dict[str, str]:
    kind = (
        'Basic realm="searchd", charset="UTF-8"'
        if (_safe_for_browsers() or is_form()) and not request.path.startswith("/v1/")
        else 'Bearer realm="searchd"'
    )
    return {"WWW-Authenticate": kind}
