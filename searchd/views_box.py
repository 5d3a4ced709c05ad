"""``/box.js``: the search box that pages of other sites load; the same for all of them, so it is open to any and may be kept for an hour."""

from functools import cache

from flask import Blueprint, request
from werkzeug.wrappers import Response

from searchd.assets import FOLDER
from searchd.routing import Operation, route

blueprint = Blueprint("box", __name__)


@route(
    blueprint, "/box.js", ("GET",), Operation("public", "The search box for other sites", None, None, None, "text/javascript", tag="pages")
)
def box() -> Response:
    """The script; what it asks of the API is allowed by ``cors_origins``, not here."""
    response = Response(_script(), mimetype="text/javascript")
    response.headers["Cache-Control"] = "public, max-age=3600"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.add_etag()
    return response.make_conditional(request)


@cache
def _script() -> bytes:
    return (FOLDER / "box.js").read_bytes()
