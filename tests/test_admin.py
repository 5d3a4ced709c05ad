"""The dashboard as an application: who may see and change what, what forged forms meet, empty states, and the same numbers as JSON."""

import json
import re
from pathlib import Path

import pytest
from trained_home import make_trained_home
from web_home import make_home

import searchd.dashboard_words
from ranker.activations import activations
from ranker.clicklog import ClickLog, Event, Impression
from ranker.clicklog_schema import now_ms
from ranker.experiments import Experiments
from ranker.registry import Registry
from searchd.app import create_app
from searchd.dashboard_words import WORDS, DashboardInterface

TEMPLATES = Path(searchd.dashboard_words.__file__).with_name("templates") / "admin"
PAGES = ("/admin", "/admin/queries", "/admin/ranking", "/admin/experiments", "/admin/index")
HERE = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}


class Browser:
    """A client that keeps cookies and repeats a Basic password, as browsers do."""

    def __init__(self, app, scope="admin"):
        self.service = app.extensions["searchd"]
        self.client = app.test_client()
        self.key = self.service.keys.create(scope, label="tester")

    def get(self, path, **options):
        return self.client.get(path, auth=("any", self.key), **options)

    def token(self):
        return re.search(r'name="form_token" value="([^"]+)"', self.get("/admin/ranking").text)[1]

    def post(self, path, headers=None, **fields):
        return self.client.post(
            path, data={"form_token": self.token(), **fields}, auth=("any", self.key), headers=HERE if headers is None else headers
        )

    def json(self, path, **options):
        return self.client.open(path, headers={"Authorization": f"Bearer {self.key}"}, **options)


def write_log(home):
    """Three clients who do not find ``zzz`` and go on to ``apple``, and one who asks for what is nobody's business."""
    with ClickLog(home.clicks) as log:
        impressions, events = [], []
        for n in range(12):
            who = {"client_id": f"c{n}", "session_id": f"s{n}"}
            impressions.append(Impression(f"z{n}", now_ms(), "zzz", [], **who))
            impressions.append(Impression(f"a{n}", now_ms(), "apple", ["d1", "d2"], **who))
            events.append(Event(f"e{n}", f"a{n}", "click", now_ms(), "d1", 1, **who))
        impressions.append(Impression("p", now_ms(), "my own <b>secret</b>", [], client_id="c1", session_id="s1"))
        log.write(impressions, events)
        log.flush()


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A browser with a home that has a log and models, of which ``plain`` serves; tests do not change it."""
    home = make_trained_home(tmp_path_factory.mktemp("admin"), 60)
    write_log(home)
    app = create_app(home, merge=False)
    yield Browser(app)
    app.extensions["searchd"].close()


@pytest.fixture
def changing(tmp_path):
    """The same, to change."""
    home = make_trained_home(tmp_path, 60)
    write_log(home)
    app = create_app(home, merge=False)
    yield Browser(app)
    app.extensions["searchd"].close()


class TestAccess:
    @pytest.mark.parametrize("path", PAGES)
    def test_every_page_asks_for_a_key(self, filled, path):
        refused = filled.client.get(path)
        assert refused.status_code == 401 and refused.headers["WWW-Authenticate"].startswith("Basic")
        assert filled.client.get(path, auth=("any", filled.service.keys.create("documents"))).status_code == 403
        page = filled.get(path)
        assert page.status_code == 200 and page.headers["Cache-Control"] == "no-store" and page.headers["Referrer-Policy"] == "same-origin"
        assert "style=" not in page.text and "<script" not in page.text and " on" + "click" not in page.text

    def test_the_cookie_is_strict_and_of_no_use_to_scripts(self, changing):
        cookie = changing.get("/admin").headers["Set-Cookie"]
        assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and "Path=/admin" in cookie
        assert "Set-Cookie" not in changing.get("/admin/queries").headers

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"Origin": "http://evil.example"},
            {"Origin": "null"},
            {"Origin": "http://localhost.evil.example"},
            {"Origin": "http://localhost", "Sec-Fetch-Site": "cross-site"},
            {"Origin": "http://localhost", "Sec-Fetch-Site": "same-site"},
            {"Origin": "http://[broken"},
        ],
        ids=["none", "foreign", "null", "longer", "cross-site", "same-site", "broken"],
    )
    def test_a_form_of_another_origin_changes_nothing(self, filled, headers):
        refused = filled.post("/admin/models/rollback", headers=headers)
        assert refused.status_code == 403 and refused.get_json()["code"] == "foreign_form"
        assert Registry(filled.service.home).active() == ("plain", "v0001")

    def test_a_form_without_its_own_token_changes_nothing(self, filled):
        other = Browser(filled.client.application)
        for token in ("", "1.2", other.token(), form_of_the_past(filled)):
            refused = filled.post("/admin/models/rollback", form_token=token)
            assert refused.status_code == 403, token
        assert Registry(filled.service.home).active() == ("plain", "v0001")

    def test_a_form_without_the_cookie_or_the_key_changes_nothing(self, filled):
        token = filled.token()
        bare = filled.client.application.test_client()
        assert bare.post("/admin/models/rollback", data={"form_token": token}, auth=("any", filled.key), headers=HERE).status_code == 403
        assert filled.client.post("/admin/models/rollback", data={"form_token": token}, headers=HERE).status_code == 401
        reader = filled.service.keys.create("documents")
        assert (
            filled.client.post("/admin/models/rollback", data={"form_token": token}, auth=("any", reader), headers=HERE).status_code == 403
        )

    def test_basic_still_changes_nothing_under_v1(self, filled):
        assert filled.client.post("/v1/models/rollback", auth=("any", filled.key), headers=HERE).status_code == 401
        assert filled.client.post("/v1/synonyms", json={"line": "a => b"}, auth=("any", filled.key), headers=HERE).status_code == 401


def form_of_the_past(browser):
    from searchd.forms import COOKIE, form_token

    nonce = browser.client.get_cookie(COOKIE, path="/admin").value
    return form_token(browser.service.secret, browser.key.partition(".")[0], nonce, 1000)


class TestPages:
    def test_queries_show_what_many_asked_and_propose_what_they_asked_next(self, filled):
        page = filled.get("/admin/queries").text
        assert "zzz =&gt; apple" in page and "secret" not in page
        assert "1 further queries with 1 searches" in page

    def test_the_overview_draws_what_was_counted(self, filled):
        page = filled.get("/admin?days=1").text
        assert page.count("<svg") >= 2 and "<dd>25</dd>" in page and "plain/v0001" in page

    def test_ranking_lists_models_and_the_form(self, filled):
        page = filled.get("/admin/ranking").text
        assert "blend/v0001" in page and page.count('action="/admin/models/activate"') == 1 and 'action="/admin/compare"' in page

    def test_two_rankers_side_by_side(self, filled):
        page = filled.post(
            "/admin/compare", first="none", second="plain/v0001", set="pasted", queries="apple banana\n\n apple banana \ncherry"
        )
        assert page.status_code == 200 and page.text.count('class="card compared"') == 2 and "RBO" in page.text
        asked = filled.post("/admin/compare", first="none", second="plain/v0001", set="top", top="5").text
        assert ">apple</h2>" in asked and "secret" not in asked
        assert filled.post("/admin/compare", first="none", second="nope", set="pasted", queries="apple").status_code == 404
        assert "no queries" in filled.post("/admin/compare", first="none", second="plain/v0001", set="pasted").text

    @pytest.mark.parametrize("path", PAGES)
    def test_pages_speak_chinese(self, filled, path):
        page = filled.get(f"{path}?lang=zh")
        assert 'lang="zh-Hans"' in page.text and page.headers["Content-Language"] == "zh-Hans" and "管理面板" in page.text
        assert f'href="{path}?lang=en"' in page.text

    def test_every_text_exists_in_both_languages(self):
        assert all(len(texts) == 2 and all(texts) for texts in WORDS.values())
        used = {name for path in TEMPLATES.glob("*.html") for name in re.findall(r"\bt\('(\w+)'[,)]", path.read_text(encoding="utf-8"))}
        assert len(used) > 100 and used <= set(WORDS)
        assert DashboardInterface("zh")("days_n", days=7) == "7 天"

    @pytest.mark.parametrize("path", PAGES)
    def test_an_empty_home_says_what_to_do(self, tmp_path, path):
        empty = Browser(create_app(tmp_path / "home"))
        page = empty.get(path)
        assert page.status_code == 200 and "<code>" in page.text
        assert not empty.service.home.clicks.exists()

    def test_a_home_without_a_log_says_so(self, tmp_path):
        page = Browser(create_app(make_home(tmp_path))).get("/admin/queries").text
        assert "No searches have been logged yet" in page


class TestChanging:
    def test_activate_and_roll_back_with_one_click_each(self, changing):
        home = changing.service.home
        done = changing.post("/admin/models/activate", model="blend/v0001")
        assert done.status_code == 303 and done.headers["Location"].startswith("/admin/ranking?done=activated")
        assert Registry(home).active() == ("blend", "v0001") and changing.service.engine.model_name() == "blend/v0001"
        assert "blend/v0001 serves" in changing.get(done.headers["Location"]).text
        assert changing.post("/admin/models/rollback").status_code == 303
        assert Registry(home).active() == ("plain", "v0001")
        story = activations(home)
        assert [(one.action, one.model, one.before) for one in story] == [
            ("rollback", "plain/v0001", "blend/v0001"),
            ("activate", "blend/v0001", "plain/v0001"),
        ]
        assert all(one.by.endswith("(tester)") and changing.key.partition(".")[0] in one.by for one in story)
        assert changing.json("/v1/models/history").get_json()["activations"][0]["action"] == "rollback"

    def test_a_refusal_tells_why_and_forcing_is_a_second_step(self, changing):
        home = changing.service.home
        Experiments(home).start("spring", ["blend"])
        refused = changing.post("/admin/models/activate", model="blend/v0001")
        assert refused.status_code == 409 and "experiment spring" in refused.text and 'name="force" value="1"' in refused.text
        assert Registry(home).active() == ("plain", "v0001")
        assert changing.post("/admin/models/activate", model="blend/v0001", force="1").status_code == 303
        assert Registry(home).active() == ("blend", "v0001") and activations(home)[0].forced

    def test_an_unknown_model_is_a_page_that_says_so(self, changing):
        page = changing.post("/admin/models/activate", model="<b>nope</b>")
        assert page.status_code == 404 and "&lt;b&gt;" in page.text and "<b>nope" not in page.text

    def test_a_proposed_line_is_added_and_used(self, changing):
        done = changing.post("/admin/synonyms", line="zzz => apple")
        assert done.status_code == 303 and "done=added" in done.headers["Location"]
        assert (changing.service.home.lexicon / "synonyms.txt").read_text() == "zzz => apple\n"
        assert changing.json("/v1/search?q=zzz&log=false").get_json()["total"]["value"] > 0
        assert "done=known" in changing.post("/admin/synonyms", line="zzz => apple").headers["Location"]
        assert changing.post("/admin/synonyms", line="alone").status_code == 400

    def test_experiments_are_shown_and_ended(self, changing):
        store = Experiments(changing.service.home)
        store.start("spring", ["blend"])
        assert "End the experiment spring" in changing.get("/admin/experiments").text
        told = changing.json("/v1/experiments").get_json()["experiments"]
        assert [one["name"] for one in told] == ["spring"] and "salt" not in told[0]
        assert changing.post("/admin/experiments/stop", name="spring").status_code == 303
        assert store.running() is None and store.read("spring").reason.startswith("stopped by key ")
        assert changing.post("/admin/experiments/stop", name="nope").status_code == 400
        store.start("summer", ["blend"])
        assert changing.json("/v1/experiments/summer/stop", method="POST").get_json()["status"] == "stopped"


class TestReports:
    def test_queries_as_json(self, filled):
        found = filled.json("/v1/reports/queries?days=1").get_json()
        assert found["searches"] == 25 and found["hidden"] == 1 and found["min_clients"] == 3
        (failing,) = found["empty"]
        assert failing["query"] == "zzz" and failing["proposals"][0]["line"] == "zzz => apple" and failing["proposals"][0]["clients"] == 12
        assert "secret" not in json.dumps(found)

    def test_clicks_by_rank_as_json(self, filled):
        found = filled.json("/v1/reports/clicks").get_json()
        assert [(one["rank"], one["shown"], one["clicks"]) for one in found["ranks"]] == [(1, 12, 12), (2, 12, 0)]
        assert found["clicked"] == 12 and found["empty"] == 13 and sum(one["searches"] for one in found["moments"]) == 25

    def test_two_rankers_as_json(self, filled):
        body = {"first": "none", "second": "plain", "queries": ["apple", "apple"]}
        found = filled.json("/v1/compare", method="POST", json=body).get_json()
        assert len(found["queries"]) == 1 and 0 <= found["rbo"] <= 1 and len(found["queries"][0]["first"]) == 10
        assert [one["query"] for one in filled.json("/v1/compare", method="POST", json={}).get_json()["queries"]] == ["apple"]

    def test_generations_and_times(self, filled):
        (one,) = filled.json("/v1/generations").get_json()["generations"]
        assert one["current"] and one["documents"] == 60 and one["bytes"] > 0
        filled.json("/v1/search?q=apple&log=false")
        times = filled.json("/v1/reports/latency").get_json()
        assert times["search"]["count"] >= 1 and {one["name"] for one in times["stages"]} >= {"retrieve", "hits"}

    def test_a_setting_shows_queries_of_fewer_clients(self, filled):
        app = create_app(filled.service.home, dashboard_min_clients=1, merge=False)
        assert "my own &lt;b&gt;secret" in Browser(app).get("/admin/queries").text
        app.extensions["searchd"].close()
