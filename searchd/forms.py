"""Forms of the dashboard that change something: what tells one that its reader sent from one that another site made the browser send.

A browser repeats a Basic password with every request to this server, whichever site caused it. So a password alone changes nothing; a form needs all
of these, any of which a foreign page fails:

- ``Origin`` names this server, and ``Sec-Fetch-Site``, where the browser sends it, says ``same-origin``. Scripts cannot set either.
- The cookie ``searchd_admin`` is ``SameSite=Strict``, so browsers leave it out of requests that begin elsewhere, and scripts cannot read it.
- The field ``form_token`` is signed with the home's secret for this key, this cookie and the next hours. Only a page that was read with the
  key has it, and foreign pages cannot read ours. A token that leaks is of no use with another browser, another key, or tomorrow.

Clients that are no browsers have the same changes under ``/v1``, with a key in a header that no browser adds by itself.
"""

import hashlib
import hmac
import re
import secrets
import time
from urllib.parse import urlsplit

from flask import g, request

from searchd.errors_http import HttpProblem

COOKIE, FIELD, FOLDER = "searchd_admin", "form_token", "/admin/"
LIFETIME = 12 * 3600
_NONCE = re.compile(r"[A-Za-z0-9_-]{22}")


def is_form() -> bool:
    """Whether the current request is one of those forms."""
    return request.method == "POST" and request.path.startswith(FOLDER)


def require_own_form(secret: bytes, key_id: str) -> None:
    """Raise 403 unless the form was sent from a page of this server that was read with this key in this browser."""
    if not _from_here():
        raise _foreign("expected it from a page of this server; behind a reverse proxy, let the proxy pass the Host header on")
    if not genuine(request.form.get(FIELD, ""), secret, key_id, cookie_nonce()):
        raise _foreign("its token is missing, too old, or of another key or browser; load the page again and repeat the change")


def form_token(secret: bytes, key_id: str, nonce: str, now: float | None = None) -> str:
    """What proves that a form comes from a page read with this key in the browser that holds ``nonce``: ``expiry.signature``."""
    expires = int(time.time() if now is None else now) + LIFETIME
    return f"{expires}.{_signature(secret, key_id, nonce, expires)}"


def genuine(token: str, secret: bytes, key_id: str, nonce: str, now: float | None = None) -> bool:
    """Whether ``form_token`` made this for the same key and nonce, within its lifetime; compared in constant time."""
    text, _, signature = token.partition(".")
    if not nonce or not (text.isascii() and text.isdigit() and len(text) < 12 and signature.isascii()):
        return False
    same = hmac.compare_digest(signature, _signature(secret, key_id, nonce, int(text)))
    return same and int(text) >= (time.time() if now is None else now)


def cookie_nonce() -> str:
    """The random name of this browser, "" when it has none yet."""
    found = request.cookies.get(COOKIE, "")
    return found if _NONCE.fullmatch(found) else ""


def nonce_of_page() -> str:
    """The name of this browser, a new one if need be; the page that uses it sets it as a cookie."""
    if "form_nonce" not in g:
        g.form_nonce = cookie_nonce() or secrets.token_urlsafe(16)
    found: str = g.form_nonce
    return found


def _from_here() -> bool:
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        return False
    try:
        return urlsplit(request.headers.get("Origin", "")).netloc.lower() == request.host.lower() != ""
    except ValueError:
        return False


def _foreign(message: str) -> HttpProblem:
    return HttpProblem(403, "foreign_form", f"the form was refused: {message}")


def _signature(secret: bytes, key_id: str, nonce: str, expires: int) -> str:
    return hmac.digest(secret, f"searchd.form\n{key_id}\n{nonce}\n{expires}".encode(), hashlib.sha256).hex()
