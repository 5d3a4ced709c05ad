"""The panel that says why a result has its place: its parts sum to the score, in words of both languages, at every rank and in every order."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from page_home import make_page_home

from ranker.behaviour import NAMES
from ranker.features import FEATURES
from ranker.featureset import COLUMN
from searchd.app import create_app
from searchd.feature_words import feature_words
from searchd.interface import Interface
from searchd.page_bars import WIDTH, waterfall
from searchd.page_why import term_rows


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return make_page_home(tmp_path_factory.mktemp("why"))


@pytest.fixture(scope="module", params=["plain", "blend", "none"])
def client(home, request):
    app = create_app(home.root, model=request.param)
    app.testing = True
    return app.test_client()


def tables(page):
    """Of each table that has a sum: the amounts of its rows, and the sum."""
    found = []
    for table in re.findall(r'<table class="parts">(.*?)</table>', page, re.S):
        amounts = [float(text.replace("−", "-")) for text in re.findall(r'class="amount">([^<]*)<', table)]
        if "<tfoot>" in table:
            found.append((amounts[:-1], amounts[-1]))
    return found


def panel(client, href):
    response = client.get(href)
    assert response.status_code == 200
    return response.text


def links(client, query):
    page = client.get(f"/search?{query}").text
    return [href.replace("&amp;", "&") for href in re.findall(r'class="opens" href="(/why[^"]*)"', page)]


@pytest.mark.parametrize("query", ["q=apple", "q=apple+banana&page=2", "q=苹果", "q=apple&f=free:true&from.year=2000", "q=appel+banan"])
def test_parts_sum_to_the_score_of_the_list(client, query):
    hrefs = links(client, query)
    assert hrefs
    for href in hrefs[:3]:
        page = panel(client, href)
        for amounts, total in tables(page):
            assert sum(amounts) == pytest.approx(total, abs=0.0006 * (len(amounts) + 1)) and amounts
        numbers = re.search(r'class="numbers"><a href="([^"]*)"', page).group(1).replace("&amp;", "&")
        hit = client.get(numbers).get_json()["hits"][0]
        assert f"id={hit['id']}" in href
        assert f"{hit['score']:.3f}".replace("-", "−") in page and tables(page)[0][1] == pytest.approx(hit["score"], abs=0.0006)


def test_neighbours_are_told_apart(client):
    hrefs = links(client, "q=apple+banana")
    first, second = panel(client, hrefs[0]), panel(client, hrefs[1])
    assert "Why above number 2" in first and "Why below" not in first
    assert "Why below number 1" in second and "Why above number 3" in second
    assert "makes the difference" in first + second or "Both have" in first + second


def test_an_order_by_a_field_says_so(client):
    page = panel(client, links(client, "q=apple&sort=year:desc")[0])
    assert "sorted by year, which is \u20682021\u2069 here" in page and "Why above" not in page


def test_a_list_without_words_says_so(client):
    assert "no words were searched for" in panel(client, links(client, "q=&f=free:true")[0])


def test_panels_speak_chinese(client):
    page = panel(client, links(client, "q=apple&lang=zh")[0])
    text = re.sub(r"<[^>]+>", " ", page[page.index("<main") : page.index("</main>")])
    assert "合计" in text and "第 1 名" in text
    assert not re.search(r"\b(points|Place|value|Sum|documents)\b", text)


def test_hits_that_are_no_longer_at_their_rank_are_explained_alone(client):
    page = panel(client, "/why?q=apple&id=d0&rank=900")
    assert "Notes on apple" in page and "Why above" not in page


@pytest.mark.parametrize(
    ("query", "status"),
    [("q=apple&id=nope&rank=1", 404), ("q=apple", 404), ("q=apple&id=d0&rank=x", 200), ("q=apple&id=d0&rank=-1", 200), ("id=d0", 200),
     ("q=apple&id=d0&rank=1&from.year=abc", 400), ("q=apple&id=d0&rank=1&sort=nope", 400), ("q=apple&id=d0&rank=99999999", 200)],
)  # fmt: skip
def test_odd_addresses_have_the_right_status(client, query, status):
    response = client.get(f"/why?{query}")
    assert response.status_code == status and response.mimetype == "text/html"


def test_hits_lead_to_what_is_similar(client):
    page = client.get("/search?q=apple").text
    href = re.search(r'href="(/document/d\d+#similar)"', page).group(1)
    document = client.get(href.partition("#")[0]).text
    assert 'id="similar"' in document and 1 <= document.count('<li><a href="/document/') <= 5


def test_scores_of_terms_are_divided_among_their_fields(home):
    app = create_app(home.root, model="none")
    hits = app.test_client().get("/v1/search?q=apple+banana&explain=true&log=false").get_json()["hits"]
    for hit in hits:
        for term in hit["explanation"]["retrieval"]["terms"]:
            assert set(term["by_field"]) == set(term["frequencies"])
            assert sum(term["by_field"].values()) == pytest.approx(term["score"], rel=1e-6)


@pytest.mark.parametrize("language", [0, 1], ids=["en", "zh"])
def test_every_feature_has_words(language):
    for name in [*FEATURES, *NAMES, COLUMN + "year"]:
        words = feature_words(name, language)
        assert words != name.replace("_", " ") and "{" not in words and (language == 0) == words.isascii()
    assert feature_words("my_own_feature", language) == "my own feature"


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=12))
def test_bars_stand_one_behind_the_other(amounts):
    bars = waterfall(amounts)
    assert len(bars) == len(amounts)
    for bar, amount in zip(bars, amounts):
        assert bar.start >= -0.001 and bar.start + bar.width <= WIDTH + 0.001 and bar.width > 0
        assert bar.up == (amount >= 0) or abs(amount) < 1e-9


def test_many_words_are_summed_up():
    terms = [
        {"term": f"w{n}", "stream": "word", "df": n, "frequencies": {"body": 1}, "by_field": {"body": n / 2}, "score": n / 2}
        for n in range(20)
    ]
    rows = term_rows({"score": 95.0, "retrieval": {"terms": terms, "score": 95.0}, "exact_forms": 1.0}, True, Interface("en"))
    assert len(rows) == 9 and rows[-1].label == "12 further words together"
    assert sum(float(row.amount) for row in rows) == pytest.approx(95, abs=0.01)
    assert json.loads(json.dumps(rows[0]))[1] == "body 1× = 9.500; in 19 documents"
