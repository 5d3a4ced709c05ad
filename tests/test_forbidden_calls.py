"""Nothing is unpickled, nothing untrusted is evaluated, and nothing but the client for programs can open a connection: held by the syntax trees of all files."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("indexer", "ranker", "searchd", "docs_tools", "benchmarks", "tests")
SHIPPED = ("indexer", "ranker", "searchd")
FILES = {folder: sorted((ROOT / folder).rglob("*.py")) for folder in FOLDERS} | {"wsgi.py": [ROOT / "wsgi.py"]}

# Modules whose formats run code when they are read, and those that read Python objects from them.
UNPICKLERS = {"pickle", "_pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "jsonpickle", "pickletools"}
# Calls that make code of text, by the last two parts of their names.
EVALUATORS = {
    "eval", "exec", "compile", "__import__", "builtins.eval", "builtins.exec", "builtins.compile", "os.system", "os.popen", "joblib.load",
    "joblib.dump", "torch.load", "yaml.load", "yaml.full_load", "yaml.unsafe_load", "pandas.read_pickle", "pd.read_pickle", "numexpr.evaluate",
    "subprocess.getoutput", "subprocess.getstatusoutput", "tempfile.mktemp", "render_template_string", "flask.render_template_string",
}  # fmt: skip
# Who may speak first: the client for other programs, and whoever asks whether a port is free, listens, or ends connections. A server only ever answers.
CALLERS = {
    "searchd/client.py", "searchd/client_async.py", "searchd/client_calls.py", "searchd/client_retries.py", "searchd/client_settings.py",
    "searchd/serve.py", "searchd/slow_clients.py", "searchd/supervisor.py",
}  # fmt: skip
NETWORK = {"socket", "http", "httpx", "requests", "urllib3", "aiohttp", "ftplib", "smtplib", "telnetlib", "xmlrpc", "socketserver"}


def findings(source: str, shipped: bool = True, may_call: bool = False) -> set[str]:
    """What a file does that it must not, by name."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {problem for alias in node.names for problem in _of_import(alias.name, "", shipped, may_call)}
        elif isinstance(node, ast.ImportFrom):
            found |= {problem for alias in node.names for problem in _of_import(node.module or "", alias.name, shipped, may_call)}
        elif isinstance(node, ast.Call):
            found |= _of_call(node)
    return found


def _of_import(module: str, name: str, shipped: bool, may_call: bool) -> set[str]:
    top = module.split(".")[0]
    found = {f"imports {top}"} if top in UNPICKLERS else set()
    if f"{top}.{name}" in EVALUATORS:
        found.add(f"imports {top}.{name}")
    outward = top in NETWORK or (top, name) == ("urllib", "request") or module == "urllib.request"
    if shipped and outward and not may_call:
        found.add(f"imports {module}")
    return found


def _of_call(node: ast.Call) -> set[str]:
    called = ast.unparse(node.func)
    found = {called} if called in EVALUATORS or ".".join(called.split(".")[-2:]) in EVALUATORS else set()
    for keyword in node.keywords:
        off = isinstance(keyword.value, ast.Constant) and keyword.value.value in (False, None)
        if keyword.arg in ("allow_pickle", "shell") and not off:
            found.add(f"{called}({keyword.arg})")
    if (
        called.split(".")[-1] == "load"
        and called.split(".")[0] in ("np", "numpy")
        and not any(k.arg == "allow_pickle" for k in node.keywords)
    ):
        found.add(f"{called} without allow_pickle=False")
    return found


@pytest.mark.parametrize("folder", FILES)
def test_nothing_is_unpickled_or_evaluated(folder):
    assert FILES[folder]
    found = {}
    for path in FILES[folder]:
        name = str(path.relative_to(ROOT))
        found[name] = findings(path.read_text(encoding="utf-8"), folder in SHIPPED, name in CALLERS)
    assert {name: problems for name, problems in found.items() if problems} == {}


def test_templates_switch_no_escaping_off():
    for path in sorted((ROOT / "searchd" / "templates").rglob("*.html")):
        text = path.read_text(encoding="utf-8")
        assert "|safe" not in text.replace(" ", "") and "autoescape" not in text, path


def test_scripts_put_no_text_into_pages_as_markup():
    for path in sorted((ROOT / "searchd" / "static").glob("*.js")) + sorted((ROOT / "clients").rglob("src/*.js")):
        text = path.read_text(encoding="utf-8")
        for name in (
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
            "setTimeout('",
            'setTimeout("',
            "srcdoc",
        ):
            assert name not in text, f"{path}: {name}"


MUTANTS = (
    "import pickle", "from pickle import loads", "import dill as d", "import marshal", "import shelve", "from joblib import load",
    "eval(text)", "exec(text)", "__import__(name)", "builtins.eval(x)", "compile(text, 'x', 'exec')", "import os\nos.system(x)",
    "numpy.load(path, allow_pickle=True)", "np.load(path, allow_pickle=flag)", "np.load(path)", "yaml.load(text)", "joblib.load(path)",
    "subprocess.run(x, shell=True)", "tempfile.mktemp()", "flask.render_template_string(text)", "import requests", "import httpx",
    "import urllib.request", "from urllib import request", "import http.client", "import socket", "pandas.read_pickle(p)",
)  # fmt: skip


@pytest.mark.parametrize("source", MUTANTS)
def test_this_test_can_fail(source):
    assert findings(source)


@pytest.mark.parametrize(
    "source",
    ["import json", "re.compile(x)", "np.load(p, allow_pickle=False)", "subprocess.run(x)", "from urllib.parse import quote", "x.load(1)"],
)
def test_what_is_allowed_passes(source):
    assert findings(source) == set()
