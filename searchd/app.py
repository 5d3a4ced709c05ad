"""The WSGI application: settings, service and routes put together; the only place that knows all of them."""

import os
from pathlib import Path
from typing import Any

from flask import Flask, Response, request
from werkzeug.middleware.proxy_fix import ProxyFix

from indexer.home import Home
from searchd.admission import Admission
from searchd.assets import asset_url
from searchd.config import load_settings
from searchd.cors import register_cors
from searchd.direct import Direct
from searchd.errors_http import register_errors
from searchd.metrics import register_metrics
from searchd.request_ids import register_request_ids
from searchd.routing import register_limits
from searchd.service import EXTENSION, Service
from searchd.views_admin import blueprint as admin
from searchd.views_box import blueprint as box
from searchd.views_documents import blueprint as documents
from searchd.views_events import blueprint as events
from searchd.views_health import blueprint as health
from searchd.views_operations import blueprint as operations
from searchd.views_page import blueprint as page
from searchd.views_reports import blueprint as reports
from searchd.views_search import blueprint as search
from searchd.views_suggest import blueprint as suggest

BLUEPRINTS = (search, suggest, documents, events, operations, reports, health, page, box, admin)

# Nothing from elsewhere, nothing inline, no frames: even a passage that slipped through the escaping could not run or load anything.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
NOT_KEPT = "no-store"


def create_app(home: str | os.PathLike[str] | Home | None = None, *, engine: Any = None, **overrides: Any) -> Flask:
    """The application over one home; ``overrides`` are settings, ``engine`` an open one to use instead of the home's own.

    Opens nothing yet: the index, the click log and the secret are opened by the first request that needs them. A relative path is one of the
    current folder of now, whatever folder is current later. Raises SettingsError.
    """
    place = Home((home if isinstance(home, Home) else Home.at(home)).root.absolute())
    app = Flask("searchd", root_path=str(Path(__file__).resolve().parent), static_folder="static", template_folder="templates")
    app.url_map.merge_slashes = False  # a document id may hold two slashes
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.jinja_env.globals["asset"] = asset_url
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.extensions[EXTENSION] = service = Service(place, load_settings(place, overrides), engine)
    register_request_ids(app, service.settings.log_requests)
    register_metrics(app, service.metrics)
    register_limits(app)
    register_errors(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    app.after_request(_protect)
    register_cors(app, service.settings.cors_origins)
    headers, settings = {**SECURITY_HEADERS, "Cache-Control": NOT_KEPT}, service.settings
    direct, most = Direct(app, service, headers), settings.queue + service.at_once
    service.admission = Admission(direct, most, settings.threads, service.metrics, headers, settings.cors_origins)
    app.wsgi_app = service.admission  # type: ignore[method-assign]
    if service.settings.proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, service.settings.proxies, service.settings.proxies)  # type: ignore[method-assign]
    return app


def _protect(response: Response) -> Response:
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    if request.path.startswith("/static/"):
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if "v" in request.args else "no-cache"
    elif "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = NOT_KEPT
    return response
