"""Settings of the service: defaults here, overridden by ``[service]`` in the home's ``searchd.toml``, then ``SEARCHD_*``, then the caller.

Every setting is documented where it is defined, below, and nowhere else; ``SEARCHD_PORT`` in the environment sets ``port``, and so on. A list
in the environment is separated by commas.
"""

import os
import tomllib
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from indexer.errors import SearchdError, reason
from indexer.home import Home

PREFIX = "SEARCHD_"
_LISTS = ("facets", "cors_origins")


class SettingsError(SearchdError):
    """A setting that is unknown, of the wrong type or out of its range."""

    code = "invalid_settings"


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an operator may change about the service."""

    host: Annotated[str, Meta(description="Address to listen on; 127.0.0.1 is reachable from this machine only.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="TCP port to listen on.")] = 8000
    workers: Annotated[int, Meta(ge=1, le=256, description="Processes that answer requests; they share the index's pages.")] = 1
    threads: Annotated[
        int,
        Meta(ge=1, le=1024, description="Bodies of requests that may be arriving at a worker at once; further ones are refused with 503."),
    ] = 256
    queue: Annotated[
        int, Meta(ge=1, le=1024, description="Requests that wait in a worker while it answers others; further ones are refused with 503.")
    ] = 32
    timeout_ms: Annotated[
        int,
        Meta(ge=0, le=5000, description="Time limit of searches that bring none, waiting included; see `timeout_ms` of a search. 0: none."),
    ] = 1500
    title: Annotated[str, Meta(min_length=1, max_length=60, description="Name shown on the search page.")] = "searchd"
    require_keys: Annotated[bool, Meta(description="Whether reading, searching and sending events need a key too.")] = False
    model: Annotated[str, Meta(max_length=64, description="Model of searches that name none: a name, active or none.")] = "active"
    rerank_depth: Annotated[int, Meta(ge=1, le=1000, description="How many retrieved documents the model orders.")] = 100
    page_size: Annotated[int, Meta(ge=1, le=100, description="Results on one search page.")] = 10
    crop_length: Annotated[int, Meta(ge=20, le=1000, description="Characters of the passage shown of a long field.")] = 200
    kept_answers_mb: Annotated[
        int, Meta(ge=0, le=4096, description="Megabytes of answers that each worker keeps for whoever asks the same again; 0: none.")
    ] = 16
    facets: Annotated[tuple[str, ...], Meta(description="Fields offered as facets on the page; none named: the first keyword fields.")] = ()
    language: Annotated[Literal["auto", "en", "zh"], Meta(description="Language of the page; auto follows the browser.")] = "auto"
    application: Annotated[str, Meta(max_length=100, description="UBI application name logged with searches that send none.")] = "searchd"
    log_queries: Annotated[bool, Meta(description="Whether searches are written to the click log.")] = True
    explore_share: Annotated[
        float,
        Meta(ge=0, le=0.2, description="Share of logged searches in which two neighbours of nearly one score change places; 0: none."),
    ] = 0.0
    explore_gap: Annotated[
        float, Meta(gt=0, le=1, description="Which neighbours are near: those with this share of the smallest gaps of a list's first ten.")
    ] = 0.3
    guard_seconds: Annotated[
        int, Meta(ge=0, description="How often a server looks whether an experiment or a new model does harm, and ends it; 0: never.")
    ] = 60
    query_id_lifetime: Annotated[int, Meta(ge=1, description="Seconds during which events for a query are accepted.")] = 3600
    merge: Annotated[bool, Meta(description="Whether segments that have become many are merged in the background.")] = True
    cors_origins: Annotated[
        tuple[str, ...], Meta(description="Origins, such as https://example.org, whose pages may call /v1 from a browser; `*`: all.")
    ] = ()
    rate_limit: Annotated[
        float,
        Meta(ge=0, description="Requests a second that one client (its key, else its address) may send in the long run; 0: any number."),
    ] = 0.0
    rate_burst: Annotated[int, Meta(ge=1, description="Requests that a client may send at once before `rate_limit` holds it back.")] = 50
    proxies: Annotated[
        int, Meta(ge=0, le=8, description="Reverse proxies in front, whose X-Forwarded-For and -Proto are believed; 0: none is.")
    ] = 0
    log_requests: Annotated[
        Literal["none", "failed", "all"], Meta(description="Which requests have a line in the log: those answered with 5xx, or all.")
    ] = "failed"
    dashboard_min_clients: Annotated[
        int,
        Meta(ge=1, description="How many clients must have asked a query before the dashboard shows its text; fewer than 3 are people."),
    ] = 3
    slow_search_ms: Annotated[int, Meta(ge=1, description="Searches slower than this are logged as warnings.")] = 1000


def load_settings(home: Home, overrides: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of one home; raises SettingsError naming the offending setting and where it was set."""
    values: dict[str, Any] = {}
    for where, layer in (
        (f"{home.settings} [service]", _from_file(home)),
        ("environment", _from_environment(os.environ if environ is None else environ)),
        ("argument", dict(overrides or {})),
    ):
        _checked(layer, where)
        values |= layer
    return _checked(values, "settings")


def describe_settings() -> list[tuple[str, Any, str]]:
    """Name, default and meaning of every setting, in order."""
    schema = msgspec.json.schema_components([Settings])[1]["Settings"]["properties"]
    return [(name, part.get("default"), part.get("description", "")) for name, part in schema.items()]


def _checked(values: dict[str, Any], where: str) -> Settings:
    try:
        return msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{where}: {error}; the settings are {', '.join(Settings.__struct_fields__)}") from error


def _from_file(home: Home) -> dict[str, Any]:
    try:
        raw = tomllib.loads(home.settings.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{home.settings}: expected a readable TOML file, found {reason(error)}; correct it") from error
    service = raw.get("service", {})
    if not isinstance(service, dict):
        raise SettingsError(f"{home.settings}: expected a table [service], found {service!r}")
    return service


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """Only known names: other programs, and SEARCHD_HOME, use the prefix too."""
    found: dict[str, Any] = {}
    for name in Settings.__struct_fields__:
        value = environ.get(PREFIX + name.upper())
        if value is not None:
            found[name] = [part.strip() for part in value.split(",") if part.strip()] if name in _LISTS else value
    return found
