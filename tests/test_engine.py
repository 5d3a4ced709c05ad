# ruff: noqa: B023 - every lambda here is called before its loop goes on.
"""The engine on a small real index, against brute force over the plain documents."""

import random
import re
import threading

import numpy as np
import orjson
import pytest
from small_home import HAN, WORDS, build_home, documents

import searchd
from indexer.build import build
from indexer.changes import apply_changes
from indexer.errors import SearchdError
from indexer.home import Home
from indexer.schema import Field, Schema
from ranker.clicklog import ClickLog
from ranker.featureset import FeatureSet
from searchd.engine import Engine

DOCUMENTS = documents()
TEXT_FIELDS = ("title", "body", "code")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Two segments and some deleted documents: what every answer must be right over."""
    folder = tmp_path_factory.mktemp("engine")
    found = build_home(folder, DOCUMENTS[:90])
    apply_changes(found, [], ["k3", "k50"])
    apply_changes(found, DOCUMENTS[90:], ["k20"])
    return found


@pytest.fixture(scope="module")
def engine(home):
    with Engine(home) as opened:
        yield opened


LIVE = [d for d in DOCUMENTS if d["id"] not in ("k3", "k50", "k20")]


def atoms(text, field):
    """The positions of a text as plain as can be: words, Han characters, or what stands between spaces."""
    return text.split() if field == "code" else re.findall(r"[a-z]+|[^\sa-z]", text.lower())


def has_phrase(document, phrase, fields=TEXT_FIELDS):
    for field in fields:
        wanted = atoms(phrase, field)
        found = atoms(document.get(field, ""), field)
        if any(found[i : i + len(wanted)] == wanted for i in range(len(found) - len(wanted) + 1)):
            return True
    return False


def all_keys(engine, q, **how):
    """Every hit of a search, by pages."""
    keys = []
    while True:
        result = engine.search(q, limit=17, offset=len(keys), model="none", highlight=False, **how)
        keys += [hit.id for hit in result.hits]
        if len(result.hits) < 17:
            assert result.total == (len(keys), "eq")
            return keys


def having(condition):
    """Keys of the live documents for which a condition holds."""
    return {d["id"] for d in LIVE if condition(d)}


def test_words_match_any_or_all(engine):
    chance = random.Random(1)
    for _ in range(30):
        words = chance.sample(WORDS, chance.randint(1, 3))
        q = " ".join(words)
        assert set(all_keys(engine, q)) == having(lambda d: any(has_phrase(d, w) for w in words))
        assert set(all_keys(engine, q, mode="and")) == having(lambda d: all(has_phrase(d, w) for w in words))


def test_scores_are_exact_bm25f_by_their_explanation(engine):
    for q in ("apple forest", "机器学习", "engine 学习 banana", "搜"):
        result = engine.search(q, limit=20, model="none", explain=True)
        assert result.hits
        for hit in result.hits:
            assert hit.score == pytest.approx(hit.explanation["retrieval"]["score"], rel=1e-5)
        scores = [hit.score for hit in result.hits]
        assert scores == sorted(scores, reverse=True)


def test_phrases(engine):
    chance = random.Random(2)
    for _ in range(40):
        document = chance.choice(LIVE)
        words = document["body"].split()
        start = chance.randrange(len(words))
        phrase = " ".join(words[start : start + 2])
        keys = all_keys(engine, f'"{phrase}"')
        assert document["id"] in keys
        assert set(keys) == having(lambda d: has_phrase(d, phrase)), phrase


def test_minus_takes_away(engine):
    chance = random.Random(3)
    for _ in range(20):
        wanted, unwanted = chance.sample(WORDS, 2)
        assert set(all_keys(engine, f"{wanted} -{unwanted}")) == having(lambda d: has_phrase(d, wanted) and not has_phrase(d, unwanted))
    phrase = " ".join(LIVE[0]["body"].split()[:2])
    assert set(all_keys(engine, f'apple -"{phrase}"')) == having(lambda d: has_phrase(d, "apple") and not has_phrase(d, phrase))
    assert set(all_keys(engine, "apple -机器")) == having(lambda d: has_phrase(d, "apple") and not has_phrase(d, "机器"))


def test_fields(engine):
    for word in (*WORDS[:6], "学习"):
        assert set(all_keys(engine, f"title:{word}")) == having(lambda d: has_phrase(d, word, ["title"]))
        assert set(all_keys(engine, f"apple -body:{word}")) == having(
            lambda d: has_phrase(d, "apple") and not has_phrase(d, word, ["body"])
        )
    two = " ".join(LIVE[1]["title"].split()[:2])
    assert set(all_keys(engine, f'title:"{two}"')) == having(lambda d: has_phrase(d, two, ["title"]))
    assert set(all_keys(engine, "code:X-1")) == having(lambda d: "X-1" in d.get("code", "").split())


def test_columns_as_fields(engine):
    assert set(all_keys(engine, "year:2020 apple")) == having(lambda d: d.get("year") == 2020 and has_phrase(d, "apple"))
    assert set(all_keys(engine, 'tag:"dark blue"')) == having(lambda d: "dark blue" in d.get("tag", []))
    assert all_keys(engine, "year:2020") == [d["id"] for d in LIVE if d.get("year") == 2020]
    assert all_keys(engine, "year:soon") == []


def test_or_groups(engine):
    a, b, c = WORDS[:3]
    for q in (f"{a} OR {b}", f"({a} OR {b})", f"{a} OR ({b})"):
        assert set(all_keys(engine, q)) == having(lambda d: has_phrase(d, a) or has_phrase(d, b))
    assert set(all_keys(engine, f"({a} OR {b}) -{c}")) == having(lambda d: (has_phrase(d, a) or has_phrase(d, b)) and not has_phrase(d, c))
    assert set(all_keys(engine, f"{c} ({a} OR {b})", mode="and")) == having(
        lambda d: has_phrase(d, c) and (has_phrase(d, a) or has_phrase(d, b))
    )
    assert set(all_keys(engine, f"({a} {b}) OR year:2020", mode="and")) == having(
        lambda d: has_phrase(d, a) and has_phrase(d, b) or d.get("year") == 2020
    )
    assert set(all_keys(engine, f"{a} OR year:2020")) == having(lambda d: has_phrase(d, a) or d.get("year") == 2020)


def test_prefixes(engine):
    assert set(all_keys(engine, "ba*")) == having(lambda d: has_phrase(d, "banana"))
    assert set(all_keys(engine, "title:k*")) == having(lambda d: has_phrase(d, "kitten", ["title"]))
    assert set(all_keys(engine, "APP*")) == having(lambda d: has_phrase(d, "apple"))
    assert set(all_keys(engine, "engines*")) == having(lambda d: has_phrase(d, "engine"))
    assert set(all_keys(engine, "机器*")) == having(lambda d: has_phrase(d, "机器"))
    assert all_keys(engine, "qqq*") == []


def test_and_mode_asks_for_han_pairs_but_not_for_jieba_words(engine):
    for start in range(len(HAN) - 3):
        q = HAN[start : start + 3]
        pairs = [q[:2], q[1:]]
        # A pair goes across white space, as a phrase does.
        assert set(all_keys(engine, q, mode="and")) == having(lambda d: all(has_phrase(d, pair) for pair in pairs))
    assert set(all_keys(engine, "搜", mode="and")) == having(lambda d: has_phrase(d, "搜"))


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("year >= 2020", lambda d: d.get("year", 0) >= 2020),
        ('tag = "dark blue"', lambda d: "dark blue" in d.get("tag", [])),
        ('NOT tag IN ["red", "green"]', lambda d: not {"red", "green"} & set(d.get("tag", []))),
        ("price < 1 AND open = true", lambda d: d.get("price", 9) < 1 and d.get("open") is True),
        ("open EXISTS OR year = 2018", lambda d: "open" in d or d.get("year") == 2018),
    ],
)
def test_filters(engine, text, condition):
    assert set(all_keys(engine, "apple banana", filter=text)) == having(
        lambda d: condition(d) and (has_phrase(d, "apple") or has_phrase(d, "banana"))
    )
    assert all_keys(engine, "", filter=text) == [d["id"] for d in LIVE if condition(d)]
    assert set(all_keys(engine, "apple banana", filter=text, mode="and")) == having(
        lambda d: condition(d) and has_phrase(d, "apple") and has_phrase(d, "banana")
    )


def test_text_that_is_a_facet_is_searched_and_is_a_column(tmp_path):
    """``lang:en`` asks for the word, a filter for the whole value."""
    schema = Schema(fields=(Field("body", "text"), Field("lang", "text", facet=True)))
    records = [
        {"id": f"k{n}", "body": "apple", "lang": ["old English", "English", "中文", ["English", "中文"], None][n % 5]} for n in range(20)
    ]
    source = tmp_path / "docs.jsonl"
    source.write_bytes(b"\n".join(map(orjson.dumps, records)))
    home = Home.at(tmp_path / "home")
    build(home, [str(source)], schema)
    with Engine(home) as opened:
        apply_changes(home, [{"id": "k20", "body": "apple", "lang": "English"}], ["k0"])
        assert opened.search("english", limit=0).total.value == 3 + 4 + 4 + 1
        assert opened.search("lang:中文 apple", limit=0, mode="and").total.value == 8
        found = opened.search("apple", filter='lang = "English"', facets=["lang"], sort="lang:desc", limit=3)
        assert found.facets["lang"] == {"English": 9, "中文": 4} and found.total.value == 9
        assert [hit.document["lang"] for hit in found.hits] == [["English", "中文"]] * 3
    with Engine(home) as opened:
        assert opened.index.schema == schema


def test_facets_count_all_matches(engine):
    result = engine.search("apple -banana", facets=["tag", "year", "open"], limit=1)
    matching = [d for d in LIVE if has_phrase(d, "apple") and not has_phrase(d, "banana")]
    for name in ("tag", "year", "open"):
        counts: dict[str, int] = {}
        for d in matching:
            for value in d.get(name, []) if name == "tag" else [d[name]] if name in d else []:
                text = str(value).lower() if name == "open" else str(value)
                counts[text] = counts.get(text, 0) + 1
        assert result.facets[name] == counts
        assert list(result.facets[name].values()) == sorted(counts.values(), reverse=True)
    assert engine.search("zzz", facets=["tag"]).facets == {"tag": {}}


def test_sort(engine):
    matching = [d for d in LIVE if has_phrase(d, "apple")]
    for sort, key in (
        ("year:desc", lambda d: -d["year"] if "year" in d else 1),
        ("year", lambda d: d.get("year", 9999)),
        ("year,price:desc", lambda d: (d.get("year", 9999), -d["price"] if "price" in d else 99)),
        ("tag", lambda d: min(d["tag"]) if d.get("tag") else "~"),
    ):
        assert all_keys(engine, "apple", sort=sort) == [d["id"] for d in sorted(matching, key=key)], sort
    assert all_keys(engine, "", sort="year") == [d["id"] for d in sorted(LIVE, key=lambda d: d.get("year", 9999))]


def test_pages_are_one_order(engine):
    whole = engine.search("apple banana cherry", limit=100, model="none")
    assert [hit.id for hit in whole.hits] == all_keys(engine, "apple banana cherry")[:100]


def test_queries_without_terms_find_nothing(engine):
    for q in ("", "   ", "???", "-", "-apple", '""', "()"):
        result = engine.search(q, model="none")
        assert (result.hits, result.total.value) == ([], 0), q
    assert set(all_keys(engine, "-apple", filter="year = 2020")) == having(lambda d: d.get("year") == 2020 and not has_phrase(d, "apple"))
    assert all_keys(engine, "???", filter="year = 2020") == []


def test_hits_carry_fields_and_highlights(engine):
    hit = engine.search("apple", limit=1).hits[0]
    document = next(d for d in DOCUMENTS if d["id"] == hit.id)
    assert hit.document == document
    assert "<mark>apple</mark>" in hit.highlights["title"] + hit.highlights["body"]
    assert set(engine.search("apple", limit=1, fields=["title"]).hits[0].document) == {"title"}
    assert engine.search("apple", limit=1, highlight=False).hits[0].highlights == {}


def test_retrieve_is_the_search_without_a_model(engine):
    for mode in ("or", "and"):
        docs, scores = engine.retrieve("apple banana 学习", k=25, mode=mode)
        assert (docs.dtype, scores.dtype) == (np.int64, np.float32)
        result = engine.search("apple banana 学习", limit=25, mode=mode, model="none")
        assert [engine.key(doc) for doc in docs] == [hit.id for hit in result.hits]
        assert scores.tolist() == [hit.score for hit in result.hits]
    for phrase in ("apple banana", "机器", "机器学习", "学", "apple"):
        docs, scores = engine.retrieve(phrase, k=len(DOCUMENTS), mode="phrase")
        hits = engine.search(f'"{phrase}"', limit=100, model="none").hits
        assert [(engine.key(doc), score) for doc, score in zip(docs, scores.tolist())] == [(hit.id, hit.score) for hit in hits]
    with pytest.raises(SearchdError, match="expected or, and, phrase"):
        engine.retrieve("apple", mode="near")
    assert engine.retrieve("")[0].tolist() == [] and engine.retrieve("zzz")[0].tolist() == []


def test_at_least_so_many_words(engine):
    chance = random.Random(8)
    for _ in range(12):
        words = chance.sample(WORDS, 4)
        for minimum in (1, 2, 3, 4, 9):
            expected = having(lambda d: sum(has_phrase(d, w) for w in words) >= min(minimum, len(words)))
            q = " ".join(words)
            assert set(all_keys(engine, q, minimum_should_match=minimum)) == expected
            assert {engine.key(doc) for doc in engine.retrieve(q, 200, minimum=minimum)[0]} == expected
    with pytest.raises(SearchdError, match="minimum_should_match"):
        engine.search("apple", minimum_should_match=0)


def test_words_and_phrases_together(engine):
    for mode in ("or", "and"):
        for q, holds in (
            ('"apple banana" forest', lambda d: has_phrase(d, "apple banana")),
            ('title:"apple banana"', lambda d: has_phrase(d, "apple banana", ["title"])),
            ('"apple banana" "banana engine"', lambda d: has_phrase(d, "apple banana") and has_phrase(d, "banana engine")),
            ('forest "apple banana" -engine', lambda d: has_phrase(d, "apple banana") and not has_phrase(d, "engine")),
        ):
            every = mode == "and" and "forest" in q
            assert set(all_keys(engine, q, mode=mode)) == having(lambda d: holds(d) and (not every or has_phrase(d, "forest"))), (q, mode)


def test_a_prefix_matches_all_its_words_however_many(tmp_path):
    """Far more than score, with one analyser and with several."""
    rare = [{"id": f"r{n}", "title": f"zq{n:04}", "body": "apple", "code": "c"} for n in range(400)]
    common = [{"id": f"c{n}", "title": f"zq9 zq{n % 150:04}", "body": "", "code": "zq"} for n in range(300)]
    with Engine(build_home(tmp_path, rare + common)) as engine:
        assert engine.search("zq*", model="none").total == (700, "eq")
        assert engine.search("title:zq*", model="none").total == (700, "eq")
        assert engine.search("zq039*", model="none").total == (10, "eq")
        assert engine.search("apple -zq*", model="none").total == (0, "eq")


def test_long_texts_are_ranked(engine):
    text = " ".join(f"word{i}" for i in range(3000)) + " apple apple"
    docs, _ = engine.retrieve("apple " + text, k=5)
    assert len(docs) == 5
    assert len(engine.rank("apple " + text, 5).keys) == 5


class FakeModel:
    """Orders documents by key, backwards."""

    name, version = "fake", "v0001"

    paths = None

    def __init__(self, snapshot):
        self.featureset = FeatureSet.default(snapshot.index.schema)
        self.seen = []

    def score(self, features):
        self.seen.append(features.copy())
        return -features[:, self.featureset.names.index("retrieval_score")].astype(np.float64)


@pytest.fixture
def model(engine, monkeypatch):
    snapshot = engine.snapshot()
    fake = FakeModel(snapshot)
    monkeypatch.setattr(snapshot, "model", fake)
    return fake


def test_a_model_reorders_block_by_block(engine, model):
    plain = engine.search("apple banana", limit=30, model="none")
    result = engine.search("apple banana", limit=30, rerank_depth=10)
    assert result.model == ("fake", "v0001")
    for start in (0, 10, 20):
        assert {hit.id for hit in result.hits[start : start + 10]} == {hit.id for hit in plain.hits[start : start + 10]}
    scores = [hit.score for hit in result.hits]
    assert scores == sorted(scores, reverse=True)
    assert [hit.id for hit in result.hits] != [hit.id for hit in plain.hits]


def test_reranked_pages_are_one_order(engine, model):
    pages = [engine.search("apple banana", limit=7, offset=start, rerank_depth=10) for start in (0, 7, 14, 21)]
    whole = engine.search("apple banana", limit=28, rerank_depth=10)
    assert [(hit.id, hit.score) for page in pages for hit in page.hits] == [(hit.id, hit.score) for hit in whole.hits]


def test_the_vector_that_was_scored_is_the_vector_that_is_logged(home, tmp_path):
    with ClickLog(tmp_path / "clicks.sqlite3") as log, Engine(home, click_log=log) as engine:
        engine.snapshot().model = model = FakeModel(engine.snapshot())
        result = engine.search("apple banana", limit=5, offset=5, client_id="c1", user_id=None)
        engine.search("apple", log=False)
        log.flush()
        shown = log.query(result.query_id)
        scored = {row.tobytes() for row in model.seen[0]}
        assert [row.tobytes() in scored for row in shown.features] == [True] * 5
        assert shown.keys == [hit.id for hit in result.hits]
        assert (shown.first_rank, shown.model, shown.client_id, shown.user_query) == (6, "fake/v0001", "c1", "apple banana")
        assert shown.feature_fingerprint == model.featureset.fingerprint
        assert len(list(log.impressions())) == 1


def test_searches_without_a_model_log_what_a_model_would_see(home, tmp_path):
    with ClickLog(tmp_path / "clicks.sqlite3") as log, Engine(home, click_log=log) as engine:
        page = engine.search("apple banana", limit=3, offset=3, model="none")
        nothing = engine.search("zzzz", model="none")
        log.flush()
        ranking = engine.rank("apple banana", 100, "none")
        assert np.array_equal(log.query(page.query_id).features, ranking.features[3:6], equal_nan=True)
        assert log.query(page.query_id).feature_fingerprint == engine.feature_fingerprint == ranking.feature_fingerprint
        assert log.query(nothing.query_id).keys == []


def test_rank_documents_orders_the_callers_own(engine, model):
    ranking, unknown = engine.rank_documents("apple", ["k1", "nothing", "k2", "k3", "k1", ""], model="none")
    assert sorted(ranking.keys) == ["k1", "k2"] and unknown == ["nothing", "k3", ""]
    reranked, _ = engine.rank_documents("apple", ["k1", "k2", "k4"])
    assert sorted(reranked.keys) == ["k1", "k2", "k4"]
    assert reranked.model == ("fake", "v0001")
    assert engine.rank_documents("apple", [])[0].keys == []


def test_explain_agrees_with_search(engine, model):
    result = engine.search("apple banana", limit=10, explain=True)
    for hit in result.hits[:3]:
        found = engine.explain(hit.id, "apple banana")
        assert found.matched and found.score == pytest.approx(hit.score)
        assert found.explanation["features"] == pytest.approx(hit.features, nan_ok=True)
    other = next(d["id"] for d in LIVE if not has_phrase(d, "apple"))
    assert engine.explain(other, "apple").matched is False
    with pytest.raises(SearchdError) as caught:
        engine.explain("k3", "apple")
    assert caught.value.code == "document_not_found"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"q": "a" * 600}, "query_too_long"),
        ({"q": "a", "filter": "colour = 1"}, "bad_filter"),
        ({"q": "a", "sort": "colour"}, "unknown_field"),
        ({"q": "a", "sort": "year:up"}, "bad_sort"),
        ({"q": "a", "facets": ["colour"]}, "unknown_field"),
        ({"q": "a", "model": "nobody"}, "unknown_model"),
        ({"q": "a", "model": "../x"}, "unknown_model"),
        ({"q": "a", "mode": "xor"}, "invalid_parameter"),
        ({"q": "a", "limit": -1}, "invalid_parameter"),
        ({"q": "a", "offset": 1000}, "invalid_parameter"),
        ({"q": "a", "rerank_depth": 0}, "invalid_parameter"),
    ],
)
def test_mistakes_have_codes(engine, arguments, code):
    with pytest.raises(SearchdError) as caught:
        engine.search(**arguments)
    assert caught.value.code == code
    assert "expected" in str(caught.value)


def test_any_text_is_answered(engine):
    chance = random.Random(5)
    parts = [*WORDS[:3], "机器", '"', "(", ")", "-", "OR", "title:", "year:", "code:", "*", " ", " ", "\x00", "\ud800", "\x02机", "2020"]
    for _ in range(300):
        q = "".join(chance.choices(parts, k=chance.randint(1, 12)))
        result = engine.search(q, mode=chance.choice(["or", "and"]), model="none", facets=["tag"])
        assert result.total.value >= len(result.hits)


def test_suggestions(engine):
    assert ("banana", engine.search("banana").total.value) in engine.suggest("ban")
    assert engine.suggest("apple ban")[0][0] == "apple banana"
    assert any("机器" in text for text, _ in engine.suggest("机"))
    assert engine.suggest("") == [] and engine.suggest("zzzz") == []
    assert len(engine.suggest("a", limit=1)) == 1


def test_open_and_reload(tmp_path):
    home = build_home(tmp_path, DOCUMENTS[:5])
    with searchd.open(home.root) as engine:
        assert engine.model_name() == "" and not engine.reload_if_changed()
        old = engine.search("apple", model="none").generation
        held = engine.snapshot()
        apply_changes(home, [{"id": "new", "title": "zeppelin"}], [])
        assert [hit.id for hit in engine.search("zeppelin").hits] == ["new"]
        assert engine.index.generation != old
        assert held.index.num_docs == 5 and held.retriever.matches(["zeppelin"]).sum() == 0


def test_a_bad_generation_leaves_the_old_one_serving(tmp_path):
    home = build_home(tmp_path, DOCUMENTS[:5])
    with Engine(home) as engine:
        before = engine.search("apple").generation
        home.current.write_text("g999999\n")
        assert engine.search("apple").generation == before
        assert engine.reload_if_changed() is False


def test_an_active_model_that_cannot_be_used_does_not_stop_the_search(tmp_path, capsys):
    home = build_home(tmp_path, DOCUMENTS[:5])
    home.models.mkdir()
    (home.models / "ACTIVE").write_text("gone v0001\n")
    with Engine(home) as engine:
        assert engine.search("apple").model is None
        assert "active model not used" in "".join(capsys.readouterr())  # where to depends on who set up logging
        with pytest.raises(SearchdError, match="expected"):
            engine.search("apple", model="gone")


def test_an_engine_is_shared_by_threads(engine):
    expected_keys = {word: all_keys(engine, word) for word in WORDS}
    wrong = []

    def work(seed):
        chance = random.Random(seed)
        for _ in range(30):
            word = chance.choice(WORDS)
            if all_keys(engine, word) != expected_keys[word]:
                wrong.append(word)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_no_index_is_a_clear_error(tmp_path):
    with pytest.raises(SearchdError, match="indexer build"):
        searchd.open(tmp_path / "empty")


def test_total_is_a_lower_bound_where_counting_costs_too_much(engine, monkeypatch):
    exact = engine.search("apple banana", limit=3, model="none").total
    assert exact.relation == "eq"
    monkeypatch.setattr("searchd.ranking.EXACT_COUNT_POSTINGS", 1)
    for bound in (1, 10, exact.value, exact.value + 1):
        monkeypatch.setattr("searchd.ranking.COUNT_BOUND", bound)
        value, relation = engine.search("apple banana", limit=3, model="none").total
        assert (value, relation) == exact if relation == "eq" else bound <= value <= exact.value
    assert relation == "eq"
