"""The documentation that is already on the machine, as documents.

The standard library and the installed packages are imported and walked with ``inspect``: every public module, class, function and method that
has a docstring becomes one document, named by the shortest path under which users import it.
"""

import importlib
import inspect
import pkgutil
import sys
import warnings
from collections.abc import Iterator
from types import ModuleType
from typing import Any

PACKAGES = (
    "numpy",
    "scipy",
    "flask",
    "werkzeug",
    "jinja2",
    "markupsafe",
    "click",
    "joblib",
    "lightgbm",
    "sqlite_utils",
    "jieba",
    "tqdm",
    "zstandard",
)
# Importing these does something (opens a browser, prints, starts a GUI) or documents nothing.
SKIPPED = {
    "antigravity",
    "this",
    "distutils",
    "idlelib",
    "lib2to3",
    "test",
    "tkinter",
    "turtle",
    "turtledemo",
    "ensurepip",
    "msilib",
    "nt",
    "winreg",
    "winsound",
}
SHORTEST_TEXT = 30


def documents() -> Iterator[dict[str, Any]]:
    """Yield the documents in a fixed order: {id, title, body, module, kind, lang}."""
    seen: set[int] = set()
    for name in module_names():
        module = _import(name)
        if module is None:
            continue
        if text := _text(module):
            yield _document(name, name, text, name, "module")
        yield from _members(module, name, seen)


def module_names() -> list[str]:
    """The public modules, shallow ones first, so that ``json.dumps`` is not called ``json.encoder.dumps``."""
    tops = sorted(set(sys.stdlib_module_names) - SKIPPED) + list(PACKAGES)
    names = [name for name in tops if not name.startswith("_")]
    for top in list(names):
        package = _import(top)
        for found in pkgutil.iter_modules(getattr(package, "__path__", []), top + "."):
            if _is_public(found.name):
                names.append(found.name)
                names.extend(_second_level(found, top))
    return sorted(dict.fromkeys(names), key=lambda name: (name.count("."), name))


def _second_level(found: pkgutil.ModuleInfo, top: str) -> Iterator[str]:
    if not found.ispkg or top not in PACKAGES:
        return
    package = _import(found.name)
    for deeper in pkgutil.iter_modules(getattr(package, "__path__", []), found.name + "."):
        if _is_public(deeper.name):
            yield deeper.name


def _is_public(name: str) -> bool:
    last = name.rpartition(".")[2]
    return not last.startswith("_") and last not in ("tests", "test", "testing", "conftest", "setup", "distutils", "f2py")


def _import(name: str) -> ModuleType | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module(name)
    except (Exception, SystemExit):  # a module that cannot be imported here has nothing to show
        return None


def _members(module: ModuleType, module_name: str, seen: set[int]) -> Iterator[dict[str, Any]]:
    top = module_name.partition(".")[0]
    for name in sorted(getattr(module, "__all__", None) or vars(module)):
        value = getattr(module, name, None)
        if not isinstance(name, str) or name.startswith("_") or id(value) in seen or not _belongs(value, top):
            continue
        kind = "class" if inspect.isclass(value) else "function"
        if text := _text(value):
            seen.add(id(value))
            yield _document(f"{module_name}.{name}", _title(f"{module_name}.{name}", value), text, module_name, kind)
        if inspect.isclass(value):
            yield from _methods(value, f"{module_name}.{name}", module_name)


def _methods(cls: type, name: str, module_name: str) -> Iterator[dict[str, Any]]:
    for attribute, value in sorted(vars(cls).items()):
        if attribute.startswith("_") or isinstance(value, type):
            continue
        if text := _text(value):
            yield _document(f"{name}.{attribute}", _title(f"{name}.{attribute}", value), text, module_name, "method")


def _belongs(value: Any, top: str) -> bool:
    if not (inspect.isclass(value) or inspect.isroutine(value) or type(value).__name__ == "ufunc"):
        return False
    home = getattr(value, "__module__", None) or top
    # C accelerators carry an underscore: _collections.deque is collections.deque to everybody.
    return home.partition(".")[0].lstrip("_") == top.lstrip("_") or home in ("builtins", "_io", "_thread", "posix", "_pickle")


def _text(value: Any) -> str:
    text = getattr(value, "__doc__", None)
    return inspect.cleandoc(text) if isinstance(text, str) and len(text) >= SHORTEST_TEXT else ""


def _title(name: str, value: Any) -> str:
    try:
        signature = str(inspect.signature(value))
    except Exception:  # some signatures of C functions cannot be read
        return name
    return name + signature if len(signature) <= 80 else name


def _document(name: str, title: str, text: str, module: str, kind: str) -> dict[str, Any]:
    # The words of a dotted name are findable one by one in the body as well.
    return {"id": "py:" + name, "title": title, "body": text[:20_000], "module": module.partition(".")[0], "kind": kind, "lang": "en"}
