"""The files of ``deploy/`` are read by the programs they are for, and a copy made by ``deploy/backup`` is a home."""

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from web_home import make_home
from web_server import free_port, running_server

import searchd
from ranker.clicklog import ClickLog, Event
from searchd.cli import main
from searchd.keys import KeyStore

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "deploy"
BIN = Path(sys.executable).parent


def run(*command, **options):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=120, check=False, **options)


def needed(name):
    """The path of a program; skips the test without it."""
    found = shutil.which(name, path=f"{BIN}:/usr/local/sbin:/usr/sbin:/usr/local/bin:/usr/bin:/bin") or shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


class TestUnit:
    UNIT = DEPLOY / "searchd.service"

    def test_runs_a_command_that_exists_and_may_not_do_much(self):
        text = self.UNIT.read_text()
        command = re.search(r"^ExecStart=/opt/searchd/bin/searchd (\w+) (.*)$", text, re.M)
        options = {name for parameter in main.commands[command[1]].params for name in parameter.opts}
        assert set(re.findall(r"--\w+", command[2])) <= options
        for setting in (
            "NoNewPrivileges=yes",
            "ProtectSystem=strict",
            "CapabilityBoundingSet=\n",
            "User=searchd",
            "SystemCallFilter=@system-service",
        ):
            assert setting in text
        assert not re.search(r"^MemoryDenyWriteExecute", text, re.M)  # kernels are compiled in memory

    def test_is_verified_by_systemd(self, tmp_path):
        program = needed("systemd-analyze")
        unit = tmp_path / "searchd.service"
        unit.write_text(
            self.UNIT.read_text()
            .replace("/opt/searchd/bin/searchd", "/bin/true")
            .replace("User=searchd", "User=root")
            .replace("Group=searchd", "Group=root")
        )
        ran = run(program, "verify", "--man=no", unit)
        assert ran.returncode == 0 and unit.name not in ran.stderr, ran.stderr
        judged = run(program, "security", "--offline=true", "--threshold=25", self.UNIT)  # tenths: at most 2.5, "OK"
        assert judged.returncode == 0, judged.stdout[-500:]


class TestNginx:
    FILE = DEPLOY / "nginx.conf"

    def test_is_parsed_with_every_directive_known_in_its_place(self):
        crossplane = pytest.importorskip("crossplane")
        parsed = crossplane.parse(str(self.FILE), single=True, check_ctx=False, check_args=True, strict=True)
        assert parsed["status"] == "ok", parsed["errors"]
        assert "proxies = 1" in self.FILE.read_text() and "proxies = 1" in (ROOT / "docs" / "deployment.md").read_text()

    def test_serves_in_front_of_a_real_server(self, tmp_path):
        nginx, openssl = needed("nginx"), needed("openssl")
        home, port, plain = make_home(tmp_path), free_port(), free_port()
        home.settings.write_text("[service]\nproxies = 1\n")
        key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
        run(
            openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=search.example.org", "-keyout", key, "-out", certificate
        )
        with running_server(home.root, tmp_path) as (base, _):
            conf = tmp_path / "nginx.conf"
            conf.write_text(_runnable(self.FILE.read_text(), tmp_path, base, port, plain, key, certificate))
            process = subprocess.Popen([nginx, "-c", str(conf), "-p", str(tmp_path), "-e", str(tmp_path / "error.log")])
            try:
                _check_proxy(f"https://127.0.0.1:{port}", plain)
            finally:
                process.terminate()
                process.wait(10)


def _runnable(text, folder, base, port, plain, key, certificate):
    """The file inside a whole configuration, on free ports and with a certificate of its own."""
    text = re.sub(r"\n\s*listen \[::\]:.*", "", text)
    text = text.replace("listen 80;", f"listen 127.0.0.1:{plain};").replace("listen 443 ssl http2;", f"listen 127.0.0.1:{port} ssl http2;")
    text = re.sub(
        r"ssl_certificate .*;", f"ssl_certificate {certificate};", re.sub(r"ssl_certificate_key .*;", f"ssl_certificate_key {key};", text)
    )
    text = text.replace("server 127.0.0.1:8000;", f"server {base.removeprefix('http://')};")
    folders = " ".join(f"{name}_temp_path {folder / name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    return f"daemon off; worker_processes 1; pid {folder / 'pid'}; events {{}} http {{ access_log off; {folders}\n{text}\n}}\n"


def _check_proxy(base, plain):
    with httpx.Client(base_url=base, verify=False, headers={"Host": "search.example.org"}) as client:  # noqa: S501 - a certificate of this test
        deadline = time.monotonic() + 10
        while True:
            try:
                found = client.get("/v1/search", params={"q": "list comprehension", "limit": 100})
                break
            except httpx.ConnectError:
                assert time.monotonic() < deadline
                time.sleep(0.05)
        assert found.json()["total"]["value"] == 45 and found.headers["Content-Encoding"] == "gzip"
        assert re.fullmatch("[0-9a-f]{32}", found.headers["X-Request-Id"]) and "max-age" in found.headers["Strict-Transport-Security"]
        assert client.get("/v1/documents/odd%2F..%2Fid%20%3F%23%26").json()["document"]["title"] == "an odd id"
        assert client.post("/v1/events", content=b" " * 300_000).status_code == 413
        assert client.get("/metrics").status_code == 200  # from this machine
        assert 429 in {client.get("/health").status_code for _ in range(80)}
    moved = httpx.get(f"http://127.0.0.1:{plain}/search?q=x", headers={"Host": "search.example.org"})
    assert moved.status_code == 308 and moved.headers["Location"] == "https://search.example.org/search?q=x"


class TestContainer:
    FILE = DEPLOY / "Dockerfile"

    def test_is_parsed_without_a_finding(self):
        ran = run(needed("hadolint"), "--no-color", self.FILE)
        assert ran.returncode == 0, ran.stdout + ran.stderr

    def test_copies_what_is_there_and_runs_as_nobody_special(self):
        text = self.FILE.read_text()
        sources = [part for line in re.findall(r"^COPY (?!--from)(.*)$", text, re.M) for part in line.split()[:-1]]
        assert sources and all((ROOT / source).exists() for source in sources)
        ignored = (ROOT / ".dockerignore").read_text().split()
        assert not set(sources) & set(ignored)
        assert "USER 10001:10001" in text and "HEALTHCHECK" in text and text.count("FROM ") == 2

    def test_its_constraints_pin_everything_that_is_required(self, tmp_path):
        script = re.search(r"^RUN (sed .* requirements\.lock)", self.FILE.read_text(), re.M)[1]
        pinned = {line.partition("==")[0].lower() for line in run("sh", "-c", script, cwd=ROOT).stdout.splitlines()}
        required = re.search(r"install_requires =\n((?: {4}\S.*\n)+)", (ROOT / "setup.cfg").read_text())[1]
        assert {re.match(r"[\w-]+", line)[0].lower() for line in required.split()} <= pinned


class TestBackup:
    def test_of_a_home_that_is_in_use_is_a_home(self, tmp_path):
        home = make_home(tmp_path)
        key = KeyStore(home.keys).create("search")
        (home.root / "searchd.toml").write_text("[service]\ntitle = 'kept'\n")
        with searchd.open(home.root) as engine, ClickLog(home.clicks) as log:
            log.append([Event("e1", "q1", "click", 1_700_000_000_000, "d1", 1)])
            ran = run(
                DEPLOY / "backup", home.root, tmp_path / "copy", env={"PATH": "/usr/bin:/bin", "SEARCHD_BIN": str(_programs(tmp_path))}
            )
            assert ran.returncode == 0, ran.stderr
            log.append([Event("e2", "q1", "click", 1_700_000_000_000, "d1", 1)])
            before = [hit.id for hit in engine.search("list comprehension").hits]
        copy = tmp_path / "copy"
        with searchd.open(copy) as engine:
            assert [hit.id for hit in engine.search("list comprehension").hits] == before
        assert [event.event_id for event in ClickLog(copy / "clicks.sqlite3").events()] == ["e1"]
        assert KeyStore(copy / "keys.sqlite3").check(key) is not None and "kept" in (copy / "searchd.toml").read_text()
        assert copy.stat().st_mode & 0o077 == 0

    def test_never_writes_over_what_is_there(self, tmp_path):
        ran = run(
            DEPLOY / "backup", make_home(tmp_path).root, tmp_path, env={"PATH": "/usr/bin:/bin", "SEARCHD_BIN": str(_programs(tmp_path))}
        )
        assert ran.returncode == 1 and "exists" in ran.stderr


def _programs(folder):
    """A folder with the programs of this checkout, whether or not it is what is installed."""
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    for name, command in (("python", 'exec {python} "$@"'), ("indexer", 'exec {python} -m indexer "$@"')):
        path = programs / name
        path.write_text(f"#!/bin/sh\nPYTHONPATH={ROOT} {command.format(python=sys.executable)}\n")
        path.chmod(0o755)
    return programs


def test_every_file_is_in_the_documentation():
    text = (ROOT / "docs" / "deployment.md").read_text()
    assert [path.name for path in sorted(DEPLOY.iterdir()) if f"deploy/{path.name}" not in text] == []
