"""What is installed is what was locked: every file by its hash, every direct dependency with a reason, nothing from elsewhere in any page."""

import configparser
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LOCKS = sorted(ROOT.glob("requirements*.lock"))
_PINNED = re.compile(r"[A-Za-z0-9._-]+==[^ ]+ \\")
_HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")


def unhashed(text):
    """Requirements of a lock that are not pinned to a version, or have no hash; and lines that are neither."""
    found, last = [], ""
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if _HASH.fullmatch(line):
            last = ""
            continue
        found += [last] if last else []
        found += [] if _PINNED.fullmatch(line) else [line]
        last = line
    return found + ([last] if last else [])


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_every_requirement_is_pinned_by_its_hash(path):
    text = path.read_text()
    assert unhashed(text) == [] and text.count("--hash=") >= text.count("==") > 0


def test_this_test_can_fail():
    good = "a==1 \\\n    --hash=sha256:" + "0" * 64 + "\n"
    assert unhashed(good) == [] and unhashed(good + "b==2\n") and unhashed(good + "b==2 \\\nc==1 \\\n" + good[7:]) and unhashed("a>=1\n")


def test_every_lock_is_installed_by_its_hashes():
    told = "".join(
        path.read_text()
        for path in (ROOT / "Makefile", ROOT / "scripts" / "fuzz", ROOT / "scripts" / "audit", ROOT / "deploy" / "Dockerfile")
    )
    for line in told.replace("\\\n", " ").splitlines():
        if "pip install" in line and "requirement" in line:
            assert "--require-hashes" in line, line
    assert told.count("--require-hashes") >= 4


def test_every_direct_dependency_has_a_reason():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    names = [re.split(r"[<>=\[]", line)[0] for line in config["options"]["install_requires"].split()]
    reasons = (ROOT / "docs" / "dependencies.md").read_text().casefold()
    assert [name for name in names if name.casefold() not in reasons] == []


def test_pages_load_nothing_from_elsewhere():
    loads = re.compile(r"""(?:src|href|action|url|import|@import)\s*[=(:]?\s*["'(]\s*(?:https?:)?//[^"')]+""", re.I)
    for path in sorted((ROOT / "searchd").rglob("*")):
        if path.suffix in (".html", ".css", ".js", ".svg") and path.is_file():
            found = [
                one for one in loads.findall(path.read_text(encoding="utf-8")) if "www.w3.org" not in one and "https://HOST/" not in one
            ]
            assert found == [], path
