"""Pages of other sites that may call the API from a browser: the origins of the setting ``cors_origins``, and no others.

No answer allows credentials: a page sends a key of its own if it needs one, never the reader's cookies or Basic password. Pages of this service
(``/search``, ``/admin``) and its assets are for its own origin only.
"""

from collections.abc import Collection

from flask import Flask, Response, request

_PREFLIGHT = {
    "Access-Control-Allow-Headers": "Authorization, Content-Type, If-None-Match, X-API-Key, X-Request-Id",
    "Access-Control-Max-Age": "600",
}
_EXPOSED = "ETag, Retry-After, X-Request-Id"


def register_cors(app: Flask, origins: Collection[str]) -> None:
    """Let pages of ``origins`` (``*``: of any) read answers of the API; without origins nothing is registered."""
    if not origins:
        return

    def allow(response: Response) -> Response:
        """The answer with the headers that let a page of an allowed origin read it; answers outside ``/v1/`` as they are."""
        if not request.path.startswith("/v1/"):
            return response
        response.vary.add("Origin")
        origin = request.headers.get("Origin", "")
        allowed = exposing(origins, origin)
        if allowed:
            response.headers.update(allowed)
            if request.method == "OPTIONS":
                response.headers.update(_PREFLIGHT)
                response.headers["Access-Control-Allow-Methods"] = ", ".join(sorted(response.allow))
        return response

    app.after_request(allow)


def exposing(origins: Collection[str], origin: str) -> dict[str, str]:
    """The headers that let a page of ``origin`` read an answer; none for a page that may not."""
    if not origin or not ("*" in origins or origin in origins):
        return {}
    return {
        "Access-Control-Allow-Origin": "*" if "*" in origins else origin,
        "Access-Control-Expose-Headers": _EXPOSED,
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
