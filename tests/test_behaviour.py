"""Click rates as features: the rates, their table as a file, what training is told of them, and serving that computes the same numbers."""

import hashlib
import json
import math
import random
import shutil
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from examples import examples
from fake_index import FakeIndex, FakeSegment, Term
from hypothesis import given, settings
from hypothesis import strategies as st
from mutations import mutate
from trained_home import QUERIES, make_trained_home

from indexer.schema import Schema
from ranker.behaviour import NAMES, BadBehaviour, Behaviour, query_hash, read_behaviour
from ranker.behaviour_rates import MIN_LOOKS, STRONGEST, WEAKEST, learn_behaviour, prior_strength, smoothed
from ranker.behaviour_training import MIN_SESSIONS, dropped, windows, with_click_rates
from ranker.cli import program
from ranker.clicklog import ClickLog, Event, Impression
from ranker.dataset import from_clicks
from ranker.drift import drift
from ranker.families import Pointwise
from ranker.featureset import FeatureSet
from ranker.fingerprints import base_of
from ranker.looking import two_accounts
from ranker.matches import gather
from ranker.model import SUMS, DamagedModel, Trained, read_model
from ranker.registry import Registry
from ranker.relevance import choose_theta, estimate_relevance
from ranker.replay import replay
from ranker.sessions import Sessions, read_clicks
from ranker.training_set import TrainingSet
from ranker.work import with_judged
from searchd.engine import Engine
from searchd.programs import open_engine, open_generation
from searchd.replaying import Replayer

TABLE = Behaviour({query_hash("Quick  FOX"): {"d0": (0.5, 1.25, 2.0)}}, {"d0": (0.25, 3.0), "d2": (0.125, 4.0)})
floats = st.floats(-1e6, 1e6, width=32)
names = st.text(max_size=8)


def some_log(path, sessions=400, fingerprint="f", seed=0, width=2):
    """Lists of four documents under three queries, in changing orders; the first letters of the alphabet are liked more."""
    rng = np.random.default_rng(seed)
    log = ClickLog(path)
    for s in range(sessions):
        keys = [str(k) for k in rng.permutation(list("abcdef"))[:4]]
        shown = Impression(
            f"s{s}", 1000 + s, f"query {s % 3}", keys, feature_fingerprint=fingerprint,
            features=np.array([[ord(key)] * width for key in keys], np.float32),
        )  # fmt: skip
        liked = [key for k, key in enumerate(keys) if rng.random() < (0.8 - 0.13 * (ord(key) - 97)) / (k + 1)]
        log.write([shown], [Event(f"{s}{key}", f"s{s}", "click", 2000 + s, object_id=key) for key in liked])
    return log


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    with some_log(tmp_path_factory.mktemp("log") / "clicks.sqlite3") as log:
        yield read_clicks(log)


def test_rates_are_clicks_over_looks_drawn_to_their_mean(data):
    """Against dictionaries and loops; how strongly they are drawn is told apart below."""
    account = two_accounts(data, choose_theta(data)[0])
    table = learn_behaviour(data)
    looks, clicks = defaultdict(float), defaultdict(float)
    for query, key, mine, seen in zip(data.row_query, data.row_key, account.clicks, account.looks):
        for place in ((query, key), (query, None), (None, key), None):
            clicks[place] += mine
            looks[place] += seen
    strength = {}
    for name, place in (("pair", lambda q, k: table.pairs[query_hash(data.queries[q])][k]), ("document", lambda q, k: table.documents[k])):
        for query, key in zip(data.row_query.tolist(), data.row_key):
            own, mean = ((query, key), (query, None)) if name == "pair" else ((None, key), None)
            rate, expected = place(query, key)[0], clicks[own] / looks[own]
            towards = clicks[mean] / looks[mean]
            assert min(expected, towards) - 0.01 <= rate <= max(expected, towards) + 0.01
            assert place(query, key)[-1] == pytest.approx(math.log1p(looks[own]), rel=1e-6)
            strength.setdefault(name, []).append(abs(rate - expected))
    assert max(strength["pair"]) < 0.1 and max(strength["document"]) < 0.05
    for rates in table.pairs.values():
        assert rates["a"][0] > rates["d"][0] and rates["a"][1] > 0 > rates["f"][1]


@pytest.mark.parametrize("true", [3.0, 20.0, 100.0])
def test_the_log_says_how_far_rates_are_drawn(true):
    rng = np.random.default_rng(0)
    owner, looks = np.repeat(np.arange(50), 400), rng.integers(2, 60, 20_000).astype(float)
    means = rng.uniform(0.1, 0.5, 50)
    clicks = rng.binomial(looks.astype(int), rng.beta(true * means[owner], true * (1 - means[owner]))).astype(float)
    _, found = smoothed(clicks, looks, owner)
    assert found == pytest.approx(true, rel=0.15)


def test_rates_that_chance_explains_are_their_mean():
    looks = np.full(500, 10.0)
    owner = np.zeros(500, np.int64)
    assert prior_strength(looks * 0.3, looks, owner, np.array([0.3])) == STRONGEST
    everything_or_nothing = np.tile([0.0, 10.0], 250)
    assert prior_strength(everything_or_nothing, looks, owner, np.array([0.5])) == WEAKEST
    rates, _ = smoothed(np.zeros(0), np.zeros(0), np.zeros(0, np.int64))
    assert len(rates) == 0


def test_what_was_hardly_looked_at_is_missing(tmp_path):
    with some_log(tmp_path / "clicks.sqlite3", sessions=6) as log:
        data = read_clicks(log)
    account, table = two_accounts(data, choose_theta(data)[0]), learn_behaviour(data)
    kept = {(query_hash(query), key) for query in data.queries for key in table.pairs.get(query_hash(query), {})}
    enough = account.looks >= MIN_LOOKS
    expected = {
        (query_hash(data.queries[q]), key) for q, key, seen in zip(data.row_query, data.row_key, account.looks) if seen >= MIN_LOOKS
    }
    assert kept == expected and not enough.all()


@given(st.dictionaries(names, st.dictionaries(names, st.tuples(floats, floats, floats))), st.dictionaries(names, st.tuples(floats, floats)))
@settings(max_examples=examples(60), deadline=None)
def test_a_table_is_read_as_it_was_written(pairs, documents):
    table = Behaviour(pairs, documents)
    read = read_behaviour(table.encoded(), "x")
    assert read == table and read.digest == table.digest


@pytest.mark.parametrize(
    "data",
    [
        b"", b"[]", b"{}", b'{"version": 2, "pairs": {}, "documents": {}}', b'{"version": 1, "pairs": {}, "documents": {"a": [1]}}',
        b'{"version": 1, "pairs": {"q": {"a": [1, 2]}}, "documents": {}}', b'{"version": 1, "pairs": {}, "documents": {"a": [1, "2"]}}',
        b'{"version": 1, "pairs": {}, "documents": {"a": [1, NaN]}}', b'{"version": 1, "pairs": [], "documents": {}}', b"[" * 100_000, b"\xff",
        b'{"version": 1, "pairs": {}, "documents": {"a": [1, 1e999]}}', b'{"version": 1, "pairs": {}, "documents": {"a": [1, -1e39]}}',
    ],
    ids=range(13),
)  # fmt: skip
def test_a_file_of_another_form_is_refused(data):
    with pytest.raises(BadBehaviour, match=r"m/behaviour.json: expected click rates .* train it again"):
        read_behaviour(data, "m/behaviour.json")


def test_a_changed_file_is_refused_or_gives_numbers():
    """Whoever writes the hashes anew can change rates, but neither stop a search nor bring in what is no number."""
    rng, original, refused = random.Random(0), TABLE.encoded().decode(), 0
    for _ in range(500):
        try:
            table = read_behaviour(mutate(original, rng).encode("utf-8", "surrogateescape"), "x")
        except BadBehaviour:
            refused += 1
        else:
            assert not np.isinf(table.columns("quick fox", ["d0", "d1", "d2"])).any()
    assert refused > 200


def test_features_are_the_columns_of_the_table():
    index = FakeIndex([FakeSegment([[["quick"], ["a"]], [["fox"], ["b"]], [["fox"], ["quick"]]])])
    features = FeatureSet.default(index.schema).with_behaviour(TABLE)
    for text in ("quick fox", "fox"):
        m = gather(index, [Term(w) for w in text.split()], text, np.arange(3), np.zeros(3))
        table = features.compute(m)
        np.testing.assert_array_equal(table[:, -len(NAMES) :], TABLE.columns(text, ["d0", "d1", "d2"]))
        np.testing.assert_array_equal(table[:, : -len(NAMES)], features.base.compute(m))
        assert set(NAMES) <= features.costs(m).keys()
    assert TABLE.columns("quick fox", ["d0", "d2", "d1"])[:, 0].tolist()[0] == 0.5
    assert np.isnan(TABLE.columns("fox", ["d0"])[0, :3]).all() and TABLE.columns("fox", ["d2"])[0, 3:].tolist() == [0.125, 4.0]
    assert TABLE.columns("fox", []).shape == (0, len(NAMES))


rates = st.dictionaries(st.sampled_from([f"d{n}" for n in range(8)] + ["gone"]), st.tuples(floats, floats, floats), max_size=6)


@given(rates, rates, st.lists(st.integers(0, 7), min_size=1, max_size=8, unique=True), st.sampled_from(["a", "b", "c"]))
@settings(max_examples=examples(60), deadline=None)
def test_rates_by_numbers_of_documents_are_those_by_their_keys(pairs, documents, docs, text):
    table = Behaviour({query_hash("a"): pairs, query_hash("b"): {}}, {key: values[:2] for key, values in documents.items()})
    index = FakeIndex([FakeSegment([[["a"]]] * 5), FakeSegment([[["b"]]] * 3)])
    features = FeatureSet((), ()).with_behaviour(table)
    for some in (docs[: len(docs) // 2], docs, docs[::-1]):
        m = gather(index, [Term(text)], text, np.array(some, np.int64), np.zeros(len(some)))
        np.testing.assert_array_equal(features.compute(m), table.columns(text, m.keys))


def test_the_fingerprint_names_the_table_behind_that_of_the_other_columns():
    base = FeatureSet.default(Schema())
    one, other = base.with_behaviour(TABLE), base.with_behaviour(TABLE._replace(documents={}))
    assert base_of(one.fingerprint) == base_of(other.fingerprint) == (base.fingerprint, len(NAMES)) and one.fingerprint != other.fingerprint
    assert base_of(base.fingerprint) == (base.fingerprint, 0) and one.base.fingerprint == base.fingerprint
    one.require(base, "this index")
    read = FeatureSet.from_dict(one.to_dict())
    assert read.fingerprint == one.fingerprint and read.behaviour is None


def untold_rows(data, features=None):
    rows = from_clicks(data, estimate_relevance(data), None)
    return rows if features is None else replace(rows, features=features)


def test_rows_are_told_what_was_clicked_before_their_labels_and_no_more(data):
    earlier, later = windows(data)
    assert earlier.num_sessions + later.num_sessions == data.num_sessions and abs(earlier.num_sessions - later.num_sessions) <= 1
    np.testing.assert_array_equal(later.shown.sum() + earlier.shown.sum(), data.shown.sum())
    many = tile(data, 6)
    earlier, later = windows(many)
    whole = untold_rows(many)
    told, card = with_click_rates(whole, many, untold_rows)
    assert card["used"] and told.features.names[-len(NAMES) :] == NAMES
    first, second = told.x[: len(whole)], told.x[len(whole) :]
    assert np.isnan(first[:, -len(NAMES) :]).all()
    np.testing.assert_array_equal(first[:, : -len(NAMES)], whole.x)
    rates, past = second[:, -len(NAMES) :], learn_behaviour(earlier)
    rows = untold_rows(later)
    expected = np.concatenate([past.columns(qid, rows.keys[a:b]) for qid, a, b in zip(rows.qids, rows.bounds, rows.bounds[1:])])
    known = ~np.isnan(rates)
    np.testing.assert_array_equal(rates[known], expected[known])
    assert 0 < known.sum() < (~np.isnan(expected)).sum()
    others = Sessions(*many.sessions[:-1], clicked=flipped(many))
    with_other_labels, _ = with_click_rates(whole, replace(many, sessions=others), untold_rows)
    np.testing.assert_array_equal(with_other_labels.x[len(whole) :, -len(NAMES) :], rates)


def tile(data, times):
    """The sessions of a log over and over."""
    s = data.sessions
    lengths = np.tile(np.diff(s.offsets), times)
    sessions = Sessions(
        np.concatenate([[0], np.cumsum(lengths)]), np.tile(s.rows, times), np.tile(s.ranks, times), np.tile(s.clicked, times)
    )
    return replace(data, sessions=sessions, shown=data.shown * times, clicked=data.clicked * times)


def flipped(data):
    """The clicks, but for the later half of the sessions, where nothing else was clicked than what was not."""
    clicked, middle = data.sessions.clicked.copy(), data.sessions.offsets[-(-data.num_sessions // 2)]
    clicked[middle:] = ~clicked[middle:]
    return clicked


def test_a_quarter_of_the_rows_and_a_fifth_of_the_queries_are_told_nothing():
    rows = untold_rows_of(500, 20)
    table = Behaviour({query_hash(f"q{q}"): {f"k{k}": (0.1, 0.2, 0.3) for k in range(20)} for q in range(500)}, {"k1": (0.5, 1.0)})
    columns = dropped(rows, table, 0)
    assert np.isnan(columns[:, 0]).mean() == pytest.approx(1 - 0.75 * 0.8, abs=0.03)
    assert np.isnan(columns[1::20, 3]).mean() == pytest.approx(0.25, abs=0.05)
    np.testing.assert_array_equal(columns, dropped(rows, table, 0))


def untold_rows_of(queries, each):
    rows = queries * each
    ones = np.ones(rows, np.float32)
    return TrainingSet(
        ones[:, None], ones, ones, np.full(queries, each), [f"q{q}" for q in range(queries)], [f"k{k}" for _ in range(queries) for k in range(each)],
        FeatureSet.plain(["f1"]), True,
    )  # fmt: skip


def test_judged_queries_among_rows_with_rates_have_none(data):
    many = tile(data, 6)
    told, _ = with_click_rates(untold_rows(many), many, untold_rows)
    judged = replace(untold_rows(data), soft=False, features=told.features.base)
    both = with_judged(told, judged, 3.0)
    assert both.features is told.features and both.judged.sum() == len(judged.group)
    assert np.isnan(both.x[len(told) :, -len(NAMES) :]).all()
    np.testing.assert_array_equal(both.x[len(told) :, : -len(NAMES)], judged.x)


def test_a_small_log_gives_no_rates(data):
    whole = untold_rows(data)
    rows, card = with_click_rates(whole, data, untold_rows)
    assert rows is whole and card == {"used": False, "why": f"400 sessions, of {MIN_SESSIONS}"}


def test_vectors_of_models_with_and_without_rates_are_read_as_one(tmp_path):
    with some_log(tmp_path / "clicks.sqlite3", sessions=50) as log:
        wide = np.array([[97, 97, 1, 2, 3, 4, 5], [98, 98, 1, 2, 3, 4, 5]], np.float32)
        log.write([Impression("new", 5000, "query 0", ["a", "z"], feature_fingerprint="f+5.0123456789abcdef", features=wide)], [])
        data = read_clicks(log)
        assert data.feature_fingerprint == "f" and data.X.shape[1] == 2
        assert data.X[data.row_key.index("z")].tolist() == [98, 98]
        found = drift(log, days=1e-5, names=["one", "two", *NAMES])
        assert {one.name for one in found.features} <= {"one", "two"}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home whose active model has click rates."""
    home = make_trained_home(tmp_path_factory.mktemp("behaviour"))
    with Engine(home) as engine:
        keys = engine.rank("apple banana").keys
        table = Behaviour(
            {query_hash("apple banana"): {key: (0.5, 0.1 * i, 2.0) for i, key in enumerate(keys[:9])}},
            {key: (0.1 * i, 3.0) for i, key in enumerate(keys[3:30])},
        )
        publish(home, engine, table)
    return home


def publish(home, engine, table):
    features = FeatureSet.default(engine.index.schema).with_behaviour(table)
    rankings = [engine.rank(text, 100, "none") for text in QUERIES]
    x = np.concatenate([np.concatenate([r.features, table.columns(text, r.keys)], axis=1) for text, r in zip(QUERIES, rankings)])
    wanted = np.nan_to_num(x[:, -4], nan=-1.0) + np.nan_to_num(x[:, -2])
    ranker = Pointwise(rounds=20, min_data_in_leaf=3).fit(x, np.digitize(wanted, [-0.9, 0, 0.5, 1.5]), [len(r.keys) for r in rankings])
    registry = Registry(home)
    registry.publish(Trained(ranker.text_, features, x[:16], ranker.predict(x[:16])), {"family": "pointwise"}, "clicked")
    registry.activate("clicked")


def test_serving_logs_explains_and_replays_the_same_rates(home):
    with ClickLog(home.clicks) as log, Engine(home, click_log=log) as engine:
        for text in QUERIES:
            engine.search(text, limit=7)
        page = engine.search("Apple  BANANA", limit=50, explain=True)
        log.flush()
        found = replay(log, lambda generation: Replayer(home, generation))
        assert found.different == [] and found.replayed == len(QUERIES) + 1
        shown = next(log.impressions())
        assert shown.features.shape[1] == len(FeatureSet.default(engine.index.schema).names) + len(NAMES)
        assert (~np.isnan(shown.features[:, -len(NAMES) :])).any()
    assert sum(hit.features["behaviour.pair_rate"] == 0.5 for hit in page.hits) == 9
    assert set(NAMES) <= page.hits[0].explanation["costs"]["features"].keys()


def test_a_copied_model_takes_its_rates_along(home, tmp_path):
    folder = home.models / "clicked" / "v0001"
    version = Registry(home).import_folder(folder, "copied")
    mine, copy = Registry(home).load("clicked"), Registry(home).load("copied", version)
    assert copy.featureset.fingerprint == mine.featureset.fingerprint and copy.featureset.behaviour == mine.featureset.behaviour
    assert "apple" not in (folder / "behaviour.json").read_text()


@pytest.mark.parametrize("damage", ["changed", "missing", "other", "unnamed"])
def test_rates_that_are_not_those_of_the_model_are_refused(home, tmp_path, damage):
    folder = tmp_path / "model"
    shutil.copytree(home.models / "clicked" / "v0001", folder)
    file, sums = folder / "behaviour.json", folder / SUMS
    if damage == "changed":
        file.write_bytes(file.read_bytes().replace(b"0.5", b"0.6", 1))
    elif damage == "missing":
        file.unlink()
    elif damage == "other":
        old = hashlib.sha256(file.read_bytes()).hexdigest()
        file.write_bytes(TABLE.encoded())
        sums.write_text(sums.read_text().replace(old, hashlib.sha256(TABLE.encoded()).hexdigest()))
    else:
        sums.write_text("".join(line for line in sums.read_text().splitlines(True) if "behaviour" not in line))
    with pytest.raises((DamagedModel, BadBehaviour)):
        read_model(folder)


def test_a_table_is_json_with_hashes_for_queries():
    told = json.loads(TABLE.encoded())
    assert list(told["pairs"]) == [query_hash("quick fox")] and len(query_hash("x")) == 16


def test_the_loop_with_rates_serves_replays_and_learns_new_ones(tmp_path):
    """Simulated clicks, a model with rates, its own searches done again, more clicks, and another table."""
    home = make_trained_home(tmp_path)
    queries, judgments = tmp_path / "queries.tsv", tmp_path / "qrels.txt"
    queries.write_text("".join(f"q{i}\t{text}\n" for i, text in enumerate(QUERIES)))
    with Engine(home) as engine:
        found = {f"q{i}": engine.rank(text, 10, "none").keys for i, text in enumerate(QUERIES)}
    judgments.write_text("".join(f"{qid} 0 {key} {place % 3}\n" for qid, keys in found.items() for place, key in enumerate(keys)))

    def run(*words):
        done = CliRunner().invoke(program(open_engine, open_generation), [*map(str, words), "--home", str(home.root)])
        assert done.exit_code == 0, done.output
        return done.stdout

    clicked = ("simulate", "--queries", queries, "--judgments", judgments, "--users", "pbm", "--sessions", 1_500, "--model", "none")
    trained = ("train", "--family", "pairwise", "--clicks", "--click-rates", "--name", "rates")
    run(*clicked)
    assert json.loads(run(*trained))["click_rates"] == {"used": False, "why": f"1500 sessions, of {MIN_SESSIONS}"}
    run(*clicked, "--seed", 1)
    assert json.loads(run(*trained))["click_rates"]["used"]
    run("models", "activate", "rates", "--force")
    with ClickLog(home.clicks) as log, Engine(home, click_log=log) as engine:
        for text in QUERIES:
            engine.search(text)
    assert json.loads(run("replay", "--newest", len(QUERIES)))["identical"] == len(QUERIES)
    run(*trained)
    first, second = (Registry(home).load("rates", version).featureset for version in ("v0002", "v0003"))
    assert f"Click rates: none: 1500 sessions, of {MIN_SESSIONS}" in run("models", "card", "rates", "v0001")
    assert "documents under a query" in run("models", "card", "rates", "v0002")
    assert first.behaviour_digest != second.behaviour_digest and first.base.fingerprint == second.base.fingerprint
