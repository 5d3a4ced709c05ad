"""The reference of settings, features and errors, each from the one place in the program that defines it."""

import ast
from collections.abc import Iterator
from pathlib import Path

from docs_tools.markdown import code, page, table
from ranker.behaviour import MEANINGS, NAMES
from ranker.features import FEATURES
from searchd.config import describe_settings
from searchd.error_codes import ERROR_CODES
from searchd.errors_http import STATUS_OF_CODE

ROOT = Path(__file__).resolve().parents[1]
_SETTINGS = """What an operator may change about the service. `[service]` in the home's `searchd.toml` sets a name, `SEARCHD_` and the name in
capitals (`SEARCHD_PORT`) in the environment goes before it, and options of `searchd serve` before both. A list in the environment is separated by
commas. Fields of documents, weights, k1 and b stand in the same file: [Your own schema](../howto/schema.md)."""
_FEATURES = """What a model is given about a query and a document, in the order of the columns. Missing is NaN. `ranker features list --home DIR`
prints the same and, behind it, the columns of the home's schema (`column.NAME`) and the features of its own (`own.NAME`);
[Features](../features.md) says how to add some. The `behaviour.` features are there in models from clicks."""
_COMMANDS = "They are one line on standard error that begins with `error:`, with status 1; the codes are those of the classes in Python."
_ERRORS = """Every error of the service is `{"message", "code", "type", "link"}`: the message says what was expected, what was found and what to
do, the code never changes, the link leads to the code's line in `/docs`. What to do in general:

| status | type | what to do |
| --- | --- | --- |
| 400, 404, 405, 413, 414, 415, 422, 431 | `invalid_request` | change the request as the message says; sending it again as it is changes nothing |
| 401, 403 | `auth` | send a key with the scope of the route: [Keys](../howto/keys.md) |
| 409 | `invalid_request` | another program or a check stands against it: wait, or decide as the message says |
| 429 | `invalid_request` | wait as long as `Retry-After` says |
| 500 | `internal` | a fault of the server: its log has the reason under the request's `X-Request-Id` |
| 503 | `unavailable` | send again after `Retry-After`; the operator finds the reason in the log and by `searchd doctor` |

"""


def settings_page() -> str:
    """The page of all settings."""
    rows = [(code(name), _shown(default), meaning) for name, default, meaning in describe_settings()]
    return page("Settings", _SETTINGS, [table(("setting", "default", "meaning"), rows)])


def _shown(default: object) -> str:
    return "none" if default in ((), [], "") else code(str(default).lower() if isinstance(default, bool) else default)


def features() -> Iterator[tuple[str, str]]:
    """(name, meaning) of every feature."""
    yield from ((name, (function.__doc__ or "").strip().split("\n")[0]) for name, function in FEATURES.items())
    yield from zip(NAMES, MEANINGS, strict=True)


def features_page() -> str:
    """The page of all features."""
    return page("Features", _FEATURES, [table(("feature", "meaning"), ((code(name), meaning) for name, meaning in features()))])


def errors_page() -> str:
    """The page of all errors: of the service by code, of the commands by what they are."""
    statuses = statuses_of_codes()
    rows = [
        (f"{code(name)}<a id='error-{name}'></a>", ", ".join(map(str, sorted(statuses.get(name, {400})))), told)
        for name, told in ERROR_CODES.items()
    ]
    alone = [(code(name), told) for name, told in sorted(program_errors().items()) if name not in ERROR_CODES]
    service = "## Codes of the service\n\n" + table(("code", "status", "meaning"), rows)
    return page("Errors", _ERRORS, [service, f"## Errors of the commands alone\n\n{_COMMANDS}\n", table(("code", "meaning"), alone)])


def statuses_of_codes() -> dict[str, set[int]]:
    """The statuses a code is answered with, as the source has them: in its table, and where it is raised."""
    found: dict[str, set[int]] = {name: {status} for name, status in STATUS_OF_CODE.items()}
    for node in _nodes("searchd"):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("HttpProblem", "error_response"):
            match node.args:
                case [ast.Constant(value=int(status)), ast.Constant(value=str(name)), *_]:
                    found.setdefault(name, set()).add(status)
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "_CODE_OF_STATUS":
            for status, name in ast.literal_eval(node.value).items():
                found.setdefault(name, set()).add(status)
    return found


def program_errors() -> dict[str, str]:
    """What every error class of the programs says of itself, by its code."""
    found = {}
    for package in ("indexer", "ranker", "searchd"):
        for node in _nodes(package):
            if isinstance(node, ast.ClassDef) and (name := _code_of(node)):
                found[name] = (ast.get_docstring(node) or "").split("\n\n")[0].replace("``", "`")
    return found


def _code_of(node: ast.ClassDef) -> str:
    """The ``code = "..."`` of a class; empty without one."""
    for part in node.body:
        if isinstance(part, ast.Assign) and getattr(part.targets[0], "id", "") == "code" and isinstance(part.value, ast.Constant):
            return str(part.value.value)
    return ""


def _nodes(package: str) -> Iterator[ast.AST]:
    for path in sorted((ROOT / package).glob("*.py")):
        yield from ast.walk(ast.parse(path.read_text(encoding="utf-8")))
