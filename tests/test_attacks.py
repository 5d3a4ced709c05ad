"""Attacks that other search engines, model stores and web servers were open to, each by its name, tried on this one."""

import contextlib
import csv
import gzip
import io
import json
import re
import time
import zlib

import msgspec
import pytest
import structlog
import zstandard
from small_models import small_model
from web_home import HOSTILE, make_home

from indexer.errors import SearchdError
from indexer.home import Home
from indexer.sources import read_documents
from ranker.judged import read_judgments, write_judgments
from ranker.lightgbm_text import parse_model
from ranker.registry import Registry
from searchd.app import create_app

CPU_SECONDS = 1.0
CANARY = "canary-3f9c1d"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A client with every right, over a home beside which, and in which, lie secrets."""
    folder = tmp_path_factory.mktemp("attacks")
    home = make_home(folder)
    for path in (folder / "outside.txt", folder / "page.css", home.root / "outside.txt", home.root / "models" / "MODELS.txt"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(CANARY)
    (home.root / "secret").write_bytes(CANARY.encode().ljust(32, b"x"))
    app = create_app(home, merge=False)
    service = app.extensions["searchd"]
    service.warm_up()
    client = app.test_client()
    client.key = service.keys.create("admin")
    yield client
    service.close()


def asked(site, url, method="GET", keyed=True, **sent):
    """The answer to a request that must neither fail nor take long."""
    headers = {**({"X-API-Key": site.key} if keyed else {}), **sent.pop("headers", {})}
    started = time.process_time()
    answer = site.open(url, method=method, headers=headers, **sent)
    assert answer.status_code < 500, answer.text
    assert time.process_time() - started < CPU_SECONDS, f"{url[:80]} took long"
    return answer


def searched(site, q, **more):
    return asked(site, "/v1/search", "POST", json={"q": q, **more})


class TestQueriesOfDeath:
    """Elasticsearch CVE-2024-52979, CVE-2025-68390, CVE-2023-31419: a query that takes all memory, all time or the whole stack."""

    @pytest.mark.parametrize(
        "q",
        [
            "(" * 512, "(" * 256 + ")" * 256, '"' * 511, "-" * 512, "a OR " * 102, "NOT " * 128, "a" * 512, "a:" * 256, "((a OR b) AND " * 30, "*" * 512,
            '"' + "list " * 100 + '"', "a b c d e f g h i j k l m n o p q r s t u v w x y z " * 9, "的" * 512, "list comprehension " * 26, "\\" * 512, "title:(" * 70,
        ],
        ids=lambda q: q[:12],
    )  # fmt: skip
    def test_deep_wide_and_long_queries(self, site, q):
        for mode in ("or", "and"):
            assert searched(site, q, mode=mode).status_code == 200

    def test_a_regular_expression_that_backtracks_for_ever_is_only_text(self, site):
        for text in (
            "(a+)+$" + "a" * 60 + "!",
            "a" * 500 + "!",
            "/(x+x+)+y/" + "x" * 400,
            "<mark>" * 80,
            " " * 511 + "x",
            "http://" + "a." * 250,
            "@" * 500,
        ):
            assert searched(site, text).status_code == 200
            for url in ("/search", "/v1/suggest", "/v1/analyze"):
                asked(site, url, query_string={"text" if "analyze" in url else "q": text})

    def test_filters_nested_without_end(self, site):
        for text in (
            "(" * 2000,
            "NOT " * 1000 + "year = 1",
            "(" * 300 + "year = 1" + ")" * 300,
            " AND ".join(["year = 1"] * 300),
            "year IN [" + "1," * 1900 + "1]",
        ):
            assert searched(site, "list", filter=text).status_code in (200, 400)

    @pytest.mark.parametrize(
        "body", [b"[" * 5000 + b"]" * 5000, b'{"q":' * 3000, b'{"q": ' + b"9" * 5000 + b"}", b'{"limit": 1e999}', b'{"q": NaN}']
    )
    def test_json_that_breaks_parsers(self, site, body):
        for url in ("/v1/search", "/v1/rank", "/v1/events", "/v1/documents", "/v1/compare"):
            assert asked(site, url, "POST", data=body, content_type="application/json").status_code in (400, 422)

    def test_json_with_half_a_character(self, site):
        assert asked(site, "/v1/search", "POST", data=b'{"q": "\\ud800 list"}', content_type="application/json").status_code in (200, 400)


class TestExplosions:
    """OpenSearch bounds regular expressions to 1,000 characters and clauses to 1,024; here there are none, and prefixes are bounded."""

    def test_prefixes_are_bounded(self, site):
        for q in (
            "a* " * 170,
            " ".join(f"{c}*" for c in "abcdefghijklmnopqrstuvwxyz0123456789" * 4),
            "-a* -b* -c* list",
            "title:a* OR body:*",
        ):
            assert searched(site, q).status_code == 200

    def test_wildcards_elsewhere_than_at_the_end_are_text(self, site):
        assert searched(site, "*omprehensio? c?mpr*on [a-z]+ .*").status_code == 200


def test_deep_paging(site):
    """Elasticsearch 9311: a page far behind makes every shard sort everything before it."""
    for limit, offset in ((100, 901), (1, 1000), (20, 10**9), (100, 2**63), (0, 2**70)):
        assert searched(site, "list", limit=limit, offset=offset).status_code == 400
    assert searched(site, "list", limit=100, offset=900).status_code == 200
    for page in ("99999999999", "-1", "1e9", "9" * 4000):
        assert asked(site, "/search", query_string={"q": "list", "page": page}).status_code == 200


def test_templates_scripts_and_expressions_are_text(site):
    """Elasticsearch's MVEL and Solr's Velocity ran what queries held; Jinja would run ``{{ }}`` that reached a template's source."""
    for text in (
        "{{ 7919 * 104729 }}",
        "${7919*104729}",
        "#{7919*104729}",
        "<%= 7919*104729 %>",
        "{% if 1 %}82934{% endif %}8951",
        "__import__('os').getpid()",
        "#set($x=7919*104729)$x",
    ):
        for url in ("/search", "/v1/search", "/v1/suggest", "/v1/nothing", "/document/"):
            name = "id" if url == "/document/" else "q"
            answer = asked(site, url, query_string={name: text}, headers={"Accept": "text/html"}).text
            assert "829348951" not in answer


class TestPathsThatLeaveTheirFolder:
    """Elasticsearch CVE-2015-3337 and CVE-2015-5531, Solr CVE-2026-22444: names of models, plugins or indexes that are joined to a path."""

    NAMES = (
        "../outside.txt", "..%2foutside.txt", "..%252foutside.txt", "....//outside.txt", "%2e%2e/outside.txt", "..\\outside.txt", "/etc/passwd", "//etc/passwd",
        "../secret", "secret", "../../outside.txt", "page.css/../../../secret", "a/../../secret", ".", "..", "...", "models/../secret", "file:///etc/passwd",
        "%00secret", "secret%00.css", "MODELS.txt", "../MODELS.txt", "outside", "../models/MODELS", "~/secret", "..;/secret", "\u2025/secret", "．．/secret",
    )  # fmt: skip

    def test_of_every_route_with_a_name(self, site):
        rules = [rule for rule in site.application.url_map.iter_rules() if rule.arguments]
        assert len(rules) > 8
        for rule in rules:
            for name in self.NAMES:
                url = re.sub("<[^>]+>", lambda _, name=name: name, rule.rule)
                for method in sorted(rule.methods - {"OPTIONS", "DELETE", "PUT"}):
                    answer = asked(site, url, method)
                    assert CANARY not in answer.text and "root:" not in answer.text, (url, method)

    def test_of_every_name_in_a_body_or_an_address(self, site):
        for name in self.NAMES:
            for sent in ({"model": name[:64]}, {"facets": [name]}, {"sort": [f"{name}:asc"]}, {"fields": [name]}, {"locale": name[:35]}):
                assert CANARY not in searched(site, "list", **sent).text
            answer = asked(site, "/v1/models/x/activate", "POST", json={"version": name[:64]})
            assert answer.status_code in (400, 404) and CANARY not in answer.text
            assert CANARY not in asked(site, "/search", query_string={"q": "list", "f": f"{name}:{name}", "sort": name, "lang": name}).text

    def test_of_the_registry(self, tmp_path):
        registry = Registry(Home.at(tmp_path / "home"))
        (tmp_path / "out").mkdir()
        for name in ("../out", "..", ".", "", "a/b", "a\x00b", "/etc", "-x" * 50, "a\nb", "%2e%2e"):
            with pytest.raises(SearchdError):
                registry.publish(small_model(), {}, name)
            with pytest.raises(SearchdError):
                registry.load(name)
        assert list((tmp_path / "out").iterdir()) == []

    def test_of_a_link_in_a_folder_of_documents(self, tmp_path):
        """Whoever may put files into a folder that is indexed must not have others of the machine published."""
        (tmp_path / "secret.txt").write_text(CANARY)
        folder = tmp_path / "docs"
        (folder / "sub").mkdir(parents=True)
        (folder / "a.txt").write_text("good")
        (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
        (folder / "sub" / "inside.txt").symlink_to(folder / "a.txt")
        refused = []
        found = {document.key: document.fields for document in read_documents([str(folder)], "id", refused.append)}
        assert set(found) == {"a.txt", "sub/inside.txt"} and CANARY not in str(found)
        assert [(entry.reason, entry.file) for entry in refused] == [("unreadable_file", str(folder / "link.txt"))]


class TestWaysAroundTheKey:
    """Solr CVE-2026-22022: a path that the rules of access did not know, though the router did."""

    @pytest.mark.parametrize(
        "path",
        [
            "/admin/", "//admin", "/ADMIN", "/admin;x=1", "/admin/.", "/./admin", "/x/../admin", "/admin%2f", "/%61dmin", "/admin%00", "/admin/queries/", "/admin?",
            "//v1/tasks", "/v1//tasks", "/v1/tasks/", "/V1/tasks", "/v1/./tasks", "/health/../v1/tasks", "/static/../v1/tasks", "/box.js/../admin", "/v1/tasks;.css",
            "/%2fadmin", "/admin/index#x", "/v1/generations/../generations", "http://localhost/admin",
        ],
    )  # fmt: skip
    def test_no_spelling_of_a_path_opens_it(self, site, path):
        for headers in (
            {},
            {"X-Original-URL": "/admin"},
            {"X-Rewrite-URL": "/health"},
            {"X-HTTP-Method-Override": "GET"},
            {"X-Forwarded-For": "127.0.0.1"},
        ):
            answer = asked(site, path, keyed=False, headers=headers)
            assert answer.status_code in (301, 308, 400, 401, 403, 404), (path, answer.status_code)

    def test_another_method_changes_nothing(self, site):
        before = asked(site, "/v1/stats").get_json()
        for method in ("POST", "GET", "HEAD", "OPTIONS"):
            for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
                asked(site, "/v1/documents/d1?_method=DELETE", method, keyed=False, headers={name: "DELETE"})
        assert asked(site, "/v1/stats").get_json() == before


class TestModelsThatRunCode:
    """MLflow CVE-2024-37052, scikit-learn CVE-2020-13092: a model that is a pickle runs what it likes when it is loaded."""

    PICKLE = b"cos\nsystem\n(S'echo owned > owned.txt'\ntR."

    def test_a_pickle_is_no_model(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        registry = Registry(Home.at(tmp_path / "home"))
        registry.publish(small_model(), {}, "m")
        folder = registry.folder / "m" / "v0001"
        names = [line.split()[-1] for line in (folder / "SHA256SUMS").read_text().splitlines()]
        for path in [folder / name for name in (*names, "SHA256SUMS")]:
            original = path.read_bytes()
            for content in (
                self.PICKLE,
                zlib.compress(self.PICKLE),
                b"\x93NUMPY\x01\x00v\x00{'descr': '|O', 'fortran_order': False, 'shape': (1,)}",
            ):
                path.write_bytes(content)
                with pytest.raises(SearchdError):
                    registry.activate("m")
                with pytest.raises(SearchdError):
                    registry.import_folder(folder, "other")
            path.write_bytes(original)
        with pytest.raises(SearchdError):
            parse_model(self.PICKLE.decode("latin-1"), "m.txt")
        assert not (tmp_path / "owned.txt").exists()

    def test_a_pickle_is_no_document_either(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        for name in ("a.jsonl", "a.csv", "a.parquet", "a.db", "a.txt"):
            (tmp_path / name).write_bytes(self.PICKLE)
            with contextlib.suppress(SearchdError):
                list(read_documents([name], "id", lambda entry: None))
        assert not (tmp_path / "owned.txt").exists()


class TestBombs:
    """ASVS 5.2.3: a kilobyte that becomes a gigabyte; Werkzeug CVE-2023-25577: a form of a hundred thousand parts."""

    @pytest.mark.parametrize("packed", [gzip.compress, zstandard.ZstdCompressor().compress, zlib.compress], ids=["gzip", "zstd", "deflate"])
    def test_an_upload_is_never_unpacked(self, site, packed):
        body = packed(json.dumps([{"id": "bomb", "title": "x" * 5_000_000}]).encode())
        for encoding in ("gzip", "zstd", "deflate", "br", "identity"):
            answer = asked(
                site, "/v1/documents", "POST", data=body, content_type="application/json", headers={"Content-Encoding": encoding}
            )
            assert answer.status_code == 400
        assert asked(site, "/v1/documents/bomb").status_code == 404

    @pytest.mark.parametrize("suffix", ["gz", "zst"])
    def test_a_source_is_not_unpacked_without_end(self, tmp_path, monkeypatch, suffix):
        monkeypatch.setattr("indexer.readers.streams.BOMB_FLOOR", 1 << 20)
        whole = b'{"id": "a", "t": "' + b"x" * (8 << 20) + b'"}\n'
        packed = gzip.compress(whole) if suffix == "gz" else zstandard.ZstdCompressor().compress(whole)
        assert len(whole) > 900 * len(packed)
        for name in ("bomb.jsonl", "bomb.json", "bomb.csv"):
            path = tmp_path / f"{name}.{suffix}"
            path.write_bytes(packed)
            with pytest.raises(SearchdError, match="more than 200:1"):
                list(read_documents([str(path)], "id", lambda entry: None))

    def test_a_bomb_in_a_bomb(self, tmp_path):
        path = tmp_path / "bomb.jsonl.gz"
        path.write_bytes(gzip.compress(gzip.compress(b'{"id": "a"}\n' * 1000)))
        refused = []
        assert list(read_documents([str(path)], "id", refused.append)) == [] and len(refused) < 10

    def test_forms_of_very_many_parts(self, site):
        parts = b"".join(b'--x\r\nContent-Disposition: form-data; name="a%d"\r\n\r\n1\r\n' % n for n in range(3000)) + b"--x--\r\n"
        for rule in site.application.url_map.iter_rules():
            if "POST" in rule.methods and not rule.arguments:
                answer = asked(site, rule.rule, "POST", data=parts, content_type="multipart/form-data; boundary=x")
                assert answer.status_code in (400, 403, 413, 415), rule.rule

    def test_bodies_without_end_are_not_read(self, site):
        for url in ("/v1/search", "/v1/rank", "/v1/events", "/v1/analyze"):
            assert asked(site, url, "POST", data=b" " * 300_000, content_type="application/json").status_code == 413


def test_hash_flooding(site):
    """Numbers that all have one hash make a dictionary of n of them take n squared; keys of JSON are strings, whose hashes are keyed."""
    flood = [n * (2**61 - 1) for n in range(1, 170)]
    asked(site, "/v1/search", "POST", json={"q": "list", "filter": f"year IN {json.dumps(flood)}"[:4096].rpartition(",")[0] + "]"})
    body = json.dumps({"q": "list", **{str(n): 1 for n in flood}})
    assert asked(site, "/v1/search", "POST", data=body, content_type="application/json").status_code == 400


class TestUnicode:
    """NFKC makes 18 characters of one; half a character, two hundred thousand accents, text that runs the other way."""

    def test_text_that_swells(self, site):
        assert searched(site, "ﷺ" * 512).status_code == 400  # 9,216 characters
        assert searched(site, "ﷺ" * 28).status_code == 200
        asked(site, "/v1/analyze", "POST", json={"text": "ﷺ" * 3000})

    def test_accents_without_end(self, site):
        assert searched(site, "e" + "\u0301" * 511).status_code == 200
        document = {"id": "accents", "title": "e" + "\u0301" * 200_000, "body": "\u202e" * 1000 + "x"}
        assert asked(site, "/v1/documents?refresh=true", "POST", json=[document]).status_code == 200
        assert asked(site, "/document/accents").status_code == 200
        assert asked(site, "/v1/documents/accents?refresh=true", "DELETE").status_code == 200

    def test_text_that_runs_the_other_way_does_not_turn_the_page_around(self, site):
        page = asked(site, "/search", query_string={"q": "\u202egnp.exe\u2066 list"}).text
        title = re.search("<title>(.*?)</title>", page, re.S)[1]
        assert "\u202e" not in title and "\u2066" not in title

    def test_half_a_character_in_a_document_is_refused_with_its_reason(self, site):
        answer = asked(site, "/v1/documents", "POST", data=b'[{"id": "half", "title": "\\ud800"}]', content_type="application/json")
        assert answer.status_code == 400 and answer.get_json()["code"] in ("invalid_document", "malformed_json")


def test_log_injection(site, capsys):
    """A line end in what is logged would be a line of its own that nobody wrote."""
    held = io.StringIO()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=lambda *_: structlog.PrintLogger(held),
    )
    try:
        forged = 'x\n{"event": "forged"}\r\n\x1b[31m\u2028'
        site.application.extensions["searchd"].home.secret.rename(site.application.extensions["searchd"].home.root / "secret.kept")
        asked(site, "/v1/nothing", query_string={"q": forged}, headers={"X-Request-Id": "a b", "User-Agent": "x\ty"})
        structlog.get_logger("searchd.http").error("unavailable", code="x", message=forged, path=f"/{forged}")
    finally:
        structlog.reset_defaults()
        (site.application.extensions["searchd"].home.root / "secret.kept").rename(site.application.extensions["searchd"].home.secret)
    lines = held.getvalue().split("\n")[:-1]
    assert lines and all("\r" not in line and "\x1b" not in line for line in lines)
    assert all(msgspec.json.decode(line)["event"] != "forged" for line in lines)


def test_formulas_in_a_table(tmp_path):
    """A query that begins with ``=`` must not be a formula where the judgments are opened as a table; read back it is itself."""
    texts = ["=HYPERLINK(A1)", "+1+1", "-2", "@SUM(1)", "\tx", "'quoted", "plain", "'=both"]
    queries = {f"q{n}": text for n, text in enumerate(texts)}
    judgments = {qid: {"=d": 1.0, "d": 2.0} for qid in queries}
    path = tmp_path / "judged.csv"
    write_judgments(path, "quepid", queries, judgments)
    with path.open(newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row[:2]]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert read_judgments(path, {qid: text.strip() for qid, text in queries.items()}) == judgments


def test_scripts_in_documents_and_addresses_come_out_as_text(site):
    """OpenSearch's highlighter encodes nothing unless told to. What a browser makes of it is tried in test_xss."""
    for url in (
        "/search?q=zebrafish",
        "/document/x1",
        "/v1/search?q=zebrafish",
        "/search?q=<svg/onload=alert(1)>",
        "/<script>",
        "/document/<script>",
    ):
        answer = asked(site, url, headers={"Accept": "text/html"})
        if answer.mimetype == "text/html":
            assert (
                "<script>alert" not in answer.text
                and "<img" not in answer.text
                and "<svg/onload" not in answer.text
                and "javascript:" not in answer.text
            )
        assert answer.headers["X-Content-Type-Options"] == "nosniff" and "default-src 'none'" in answer.headers["Content-Security-Policy"]
    highlights = searched(site, "zebrafish").get_json()["hits"][0]["highlights"]
    assert highlights and not any("<script" in text or "<img" in text for text in highlights.values()) and "<script>" in HOSTILE["title"]
