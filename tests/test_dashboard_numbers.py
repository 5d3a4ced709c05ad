"""The dashboard's numbers against plain loops and known worlds: click rates, reformulations, what of the log is read, overlap of rankings, times."""

import json
import math
import threading
import time
from collections import Counter, defaultdict

import numpy as np
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram

from indexer.home import Home
from indexer.lexicon import LexiconError
from ranker.activations import KEPT, activations, note
from ranker.clicklog import DAY_MS, ClickLog, Event, Impression
from searchd.dashboard_cache import Latest
from searchd.dashboard_compare import compare, home_judgments, judged_texts, overlap, rank_biased_overlap
from searchd.dashboard_latency import latency, quantile
from searchd.dashboard_log import LOOKS_OF_CLIENT, count_log, days_of
from searchd.dashboard_queries import frequent_texts, queries_report
from searchd.dashboard_rates import LEAST_STRENGTH, MOST_STRENGTH, Prior, prior_of, shrunk
from searchd.dashboard_reformulations import TEN_MINUTES, Reformulations, differing_parts, line_for
from searchd.forms import LIFETIME, form_token, genuine
from searchd.lexicon_changes import add_synonyms
from searchd.synonyms import BadSynonyms, line_of, read_rules

NOW = 1_700_000_000_000


class TestRates:
    @pytest.mark.parametrize(("rate", "strength"), [(0.3, 8.0), (0.6, 30.0), (0.1, 100.0)])
    def test_the_prior_that_made_the_rates_is_found(self, rate, strength):
        rng = np.random.default_rng(0)
        looks = rng.integers(2, 60, 4000)
        clicked = rng.binomial(looks, rng.beta(rate * strength, (1 - rate) * strength, len(looks)))
        found = prior_of(clicked, looks)
        assert abs(found.rate - rate) < 0.01 and 0.8 < found.strength / strength < 1.25

    def test_queries_that_do_not_differ_are_drawn_together_wholly(self):
        rng = np.random.default_rng(1)
        looks = np.full(2000, 20)
        assert prior_of(rng.binomial(looks, 0.4), looks).strength > 200

    def test_one_look_each_tells_nothing_of_how_alike_they_are(self):
        assert prior_of(np.array([0, 1]), np.array([1, 1])).strength == MOST_STRENGTH

    @given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=20))
    def test_rates_lie_between_the_own_rate_and_that_of_all(self, pairs):
        clicked, missed = (np.array(column) for column in zip(*pairs))
        looks = clicked + missed + 1
        prior = prior_of(clicked, looks)
        found = shrunk(clicked, looks, prior)
        own = clicked / looks
        assert LEAST_STRENGTH <= prior.strength <= MOST_STRENGTH and 0 < prior.rate < 1
        assert np.all(found.rate >= np.minimum(own, prior.rate) - 1e-12) and np.all(found.rate <= np.maximum(own, prior.rate) + 1e-12)
        assert np.all(found.low <= found.rate) and np.all(found.rate <= found.high)

    def test_the_interval_holds_95_percent_of_the_belief(self):
        rng = np.random.default_rng(2)
        found = shrunk(np.array([3]), np.array([10]), Prior(0.5, 6.0))
        drawn = rng.beta(3.0 + 3, 3.0 + 7, 400_000)
        assert abs(found.rate[0] - 6 / 16) < 1e-12
        assert abs((drawn < found.low[0]).mean() - 0.025) < 0.002 and abs((drawn > found.high[0]).mean() - 0.025) < 0.002


@pytest.fixture
def log(tmp_path):
    with ClickLog(tmp_path / "clicks.sqlite3") as opened:
        yield opened


def search(number, text, keys=("a", "b"), client="c", session="", at=NOW, **more):
    return Impression(query_id=f"q{number}", timestamp=at, user_query=text, keys=list(keys), client_id=client, session_id=session, **more)


def click(number, key="a", position=1, at=NOW, **more):
    return Event(f"e{number}-{key}", f"q{number}", "click", at, key, position, **more)


def write(log, impressions, events, received=None):
    """Store both; ``received`` sets when they arrived, which the log decides otherwise."""
    log.write(impressions, events)
    log.flush()
    import sqlite3

    with sqlite3.connect(log.path) as connection:
        for table in ("impressions", "events"):
            connection.execute(f"UPDATE {table} SET received = {'timestamp' if received is None else int(received)}")


class TestLog:
    def test_counts_are_those_of_a_plain_loop(self, log):
        rng = np.random.default_rng(3)
        impressions, events, seen = [], [], Counter()
        shown, clicked, queries = np.zeros(20, int), np.zeros(20, int), defaultdict(lambda: [0, 0, 0, 0, set()])
        for n in range(400):
            text, client, at = f"word {rng.integers(9)}", f"c{rng.integers(12)}", NOW - int(rng.integers(6 * DAY_MS))
            keys = [f"d{n}" for n in range(rng.integers(0, 5))]
            hits = [key for key in keys if rng.random() < 0.3]
            impressions.append(search(n, text, keys, client, at=at))
            events += [click(n, key, at=at) for key in (*hits, "never-shown") if keys]
            shown[: len(keys)] += 1
            clicked[: len(keys)] += np.array([key in hits for key in keys], int)
            one = queries[text]
            seen[text, client] += 1
            counted = len(keys) > 0 and seen[text, client] <= LOOKS_OF_CLIENT
            one[0] += 1
            one[1] += not keys
            one[2] += counted
            one[3] += counted and bool(keys)  # something that was not shown was clicked, so all of them have a click
            one[4].add(client)
        write(log, impressions, events)
        counts = count_log(log, 7, now=NOW)
        assert counts.searches == 400 and counts.shown.tolist() == shown.tolist() and counts.clicks.tolist() == clicked.tolist()
        found = {name: [q.searches, q.empty, q.looks, q.clicked, q.clients] for name, q in counts.queries.items()}
        assert found == {name: [*numbers, len(clients)] for name, (*numbers, clients) in queries.items()}
        assert sum(number for _, number, _ in days_of(counts)) == 400

    def test_only_the_newest_are_read_and_none_of_them_lacks_its_clicks(self, log):
        impressions = [search(n, "x", at=NOW - (1000 - n) * 1000) for n in range(1000)]
        events = [click(n, at=NOW - (1000 - n) * 1000) for n in range(1000)]
        events += [Event(f"v{n}-{i}", f"q{n}", "view", NOW - (1000 - n) * 1000) for n in range(800, 1000) for i in range(5)]
        events.sort(key=lambda event: event.timestamp)
        write(log, impressions, events)
        counts = count_log(log, 7, now=NOW, most=100)
        assert counts.part.cut and 0 < counts.searches <= 100 and counts.clicked == counts.searches
        whole = count_log(log, 7, now=NOW)
        assert not whole.part.cut and whole.searches == 1000

    def test_a_purged_log_is_not_called_cut(self, log):
        write(log, [search(n, "x", at=NOW - (50 - n) * 1000) for n in range(50)], [])
        import sqlite3

        with sqlite3.connect(log.path) as connection:
            connection.execute("DELETE FROM impressions WHERE rowid <= 40")
        counts = count_log(log, 7, now=NOW, most=10)
        assert counts.searches == 10 and not counts.part.cut

    def test_what_is_older_does_not_count(self, log):
        write(log, [search(1, "x", at=NOW - 8 * DAY_MS), search(2, "x", at=NOW - 6 * DAY_MS)], [])
        assert count_log(log, 7, now=NOW).searches == 1 and count_log(log, 30, now=NOW).searches == 2

    def test_simulated_searches_count_only_where_there_are_no_others(self, log):
        write(log, [search(1, "x", simulated=True)], [])
        assert count_log(log, 7, now=NOW).part.simulated
        write(log, [search(2, "y")], [])
        counts = count_log(log, 7, now=NOW)
        assert not counts.part.simulated and list(counts.queries) == ["y"]

    def test_further_pages_are_shown_but_are_no_searches(self, log):
        write(log, [search(1, "x", ["a"] * 3), search(1, "x", ["b", "c"], first_rank=4)], [click(1, "c", 5)])
        counts = count_log(log, 7, now=NOW)
        assert counts.searches == 1 and counts.clicked == 1 and counts.shown[:6].tolist() == [1, 1, 1, 1, 1, 0] and counts.clicks[4] == 1

    def test_few_clients_are_counted_and_not_shown(self, log):
        impressions = [search(n, "many", client=f"c{n}") for n in range(3)] + [
            search(9 + n, "my own name", client=f"c{n}") for n in range(2)
        ]
        impressions += [search(20 + n, "nobody", client="") for n in range(9)]
        write(log, impressions, [])
        report = queries_report(count_log(log, 7, now=NOW), 3)
        assert [row.query for row in report.top] == ["many"] and (report.hidden, report.hidden_searches) == (2, 11)
        assert frequent_texts(count_log(log, 7, now=NOW), 3, 9) == ["many"]
        assert {row.query for row in queries_report(count_log(log, 7, now=NOW), 2).top} == {"many", "my own name"}

    def test_low_click_queries_need_looks_and_more_than_chance(self, log):
        impressions, events, n = [], [], 0
        for text, looks, hits in [*((f"good {i}", 30, 15) for i in range(20)), ("bad", 40, 2), ("rare", 3, 0), ("near", 20, 8)]:
            for i in range(looks):
                n += 1
                impressions.append(search(n, text, client=f"c{n}"))
                events += [click(n)] if i < hits else []
        impressions += [search(5000 + i, "a program asks", client=f"bot{i % 3}") for i in range(600)]
        write(log, impressions, events)
        report = queries_report(count_log(log, 7, now=NOW), 3)
        assert [row.query for row in report.low] == ["bad", "a program asks"]  # of the program's, five looks of each client count
        assert report.low[1].looks == 3 * LOOKS_OF_CLIENT
        (rare,) = [row for row in report.top if row.query == "rare"] or [
            row for row in queries_report(count_log(log, 7, now=NOW), 3, 99).top if row.query == "rare"
        ]
        assert rare.rate > 0.2


def plain_pairs(rows):
    """Every failed search looks for the next click of its session, at most three searches on and ten minutes later."""
    found = Counter()
    for i, (session, _, text, at, _, clicked) in enumerate(rows):
        if clicked or not session:
            continue
        later = [row for row in rows[i + 1 :] if row[0] == session]
        steps = next((n for n, row in enumerate(later) if row[5]), None)
        if steps is not None and steps < 3 and later[steps][3] - at <= TEN_MINUTES and later[steps][2] != text:
            found[i, text, later[steps][2]] += 1
    merged = Counter()
    counted = set()
    for i, text, target in found:
        session = rows[i][0]
        landing = next(n for n in range(i + 1, len(rows)) if rows[n][0] == session and rows[n][5])
        if (landing, text) not in counted:  # the same text twice before one click is one failure
            counted.add((landing, text))
            merged[text, target] += 1
    return merged


class TestReformulations:
    @settings(max_examples=examples(150))
    @given(
        st.lists(
            st.tuples(
                st.sampled_from(["", "s1", "s2"]),
                st.sampled_from("ab"),
                st.sampled_from(["x", "y", "z"]),
                st.integers(0, 400_000),
                st.booleans(),
            ),
            max_size=25,
        )
    )
    def test_pairs_are_those_of_a_plain_loop(self, steps):
        at, rows = 0, []
        for session, client, text, waited, clicked in steps:
            at += waited
            rows.append((session, client, text, at, True, clicked))
        found = Reformulations()
        for row in rows:
            found.add(*row)
        assert {pair: counts.count for pair, counts in found.pairs.items()} == dict(plain_pairs(rows))

    def test_a_pair_needs_several_clients(self):
        found = Reformulations()
        for n in range(9):
            client = f"c{n % 3}"
            found.add(f"s{n}", client, "k8s", n, False, False)
            found.add(f"s{n}", client, "kubernetes", n, True, True)
        for n in range(20):
            found.add(f"t{n}", f"d{n}", "weather", n, True, True)
        (one,) = found.proposals("k8s", 3)
        assert (one.target, one.count, one.clients, one.share) == ("kubernetes", 9, 3, 1.0)
        assert (one.file, one.line) == ("synonyms.txt", "k8s => kubernetes")
        assert found.proposals("k8s", 4) == [] and found.proposals("weather", 1) == []

    def test_clients_without_an_id_are_no_clients(self):
        found = Reformulations()
        for n in range(9):
            found.add(f"s{n}", "", "k8s", n, False, False)
            found.add(f"s{n}", "", "kubernetes", n, True, True)
        assert found.proposals("k8s", 1) == []

    def test_what_everybody_clicks_on_anyway_is_no_synonym(self):
        found = Reformulations()
        for n in range(100):
            found.add(f"s{n}", f"c{n}", "zzz", n, False, False)
            found.add(f"s{n}", f"c{n}", "popular" if n % 2 else "odd", n, True, True)
        for n in range(300):
            found.add(f"t{n}", f"d{n}", "popular", n, True, True)
        assert [one.target for one in found.proposals("zzz", 3)] == ["odd"]

    @given(*[st.lists(st.sampled_from("abc"), max_size=6)] * 2)
    def test_what_is_common_is_cut_from_both_ends(self, first, second):
        left, right = differing_parts(first, second)
        if left and left != first:
            assert any(first[:i] + right + first[i + len(left) :] == second for i in range(len(first)) if first[i : i + len(left)] == left)
            assert not right or (left[0] != right[0] and left[-1] != right[-1])

    @pytest.mark.parametrize(
        ("text", "target", "file", "line"),
        [
            ("kfc menu", "肯德基 menu", "synonyms.txt", "kfc => 肯德基"),
            ("ml", "machine learning", "synonyms.txt", "ml => machine learning"),
            ("线程 池", "线程池", "user.txt", "线程池"),
            ("foo bar", "foobar", "synonyms.txt", ""),
            ("new york pizza", "pizza", "synonyms.txt", ""),  # nothing would stand for what was dropped
            ("a, b", "c", "synonyms.txt", ""),
            ("c#", "csharp", "synonyms.txt", ""),
        ],
        ids=["part", "whole", "dictionary", "joined", "dropped", "comma", "comment"],
    )
    def test_lines_for_the_lexicon(self, text, target, file, line):
        assert line_for(text, target) == (file, line)

    @given(st.text(max_size=30), st.text(max_size=30))
    def test_a_line_says_exactly_what_it_was_made_of(self, left, right):
        line = line_of(left, right)
        if line:
            import tempfile
            from pathlib import Path

            with tempfile.TemporaryDirectory() as folder:
                (Path(folder) / "synonyms.txt").write_bytes(line.encode() + b"\n")
                assert read_rules(Path(folder)) == [((left,), (right,))]


class TestAddingSynonyms:
    def test_a_good_line_is_added_once_and_the_rest_stays(self, tmp_path):
        home = Home.at(tmp_path)
        home.lexicon.mkdir()
        path = home.lexicon / "synonyms.txt"
        path.write_text("# mine\nKFC, 肯德基", encoding="utf-8")
        assert add_synonyms(home, " ml => machine learning ")
        assert path.read_text(encoding="utf-8") == "# mine\nKFC, 肯德基\nml => machine learning\n"
        assert not add_synonyms(home, "ml =>  machine learning")
        assert len(read_rules(home.lexicon)) == 2

    @pytest.mark.parametrize("line", ["", "a", "a => b => c", "a,, b", "# no", "a => b\nc => d", "x" * 600, "a\x00 => b"], ids=range(8))
    def test_a_bad_line_changes_nothing(self, tmp_path, line):
        with pytest.raises(BadSynonyms):
            add_synonyms(Home.at(tmp_path), line)
        assert not (tmp_path / "lexicon" / "synonyms.txt").exists()

    def test_nothing_is_added_to_a_file_that_is_not_used(self, tmp_path):
        home = Home.at(tmp_path)
        home.lexicon.mkdir()
        (home.lexicon / "synonyms.txt").write_text("alone\n")
        with pytest.raises(LexiconError):
            add_synonyms(home, "a => b")
        assert (home.lexicon / "synonyms.txt").read_text() == "alone\n"


def plain_rbo(first, second, p):
    """Equation 30 for lists of one length: agreement at every depth, and that of the last one for ever after."""
    k = len(first)
    agreement = [len(set(first[:d]) & set(second[:d])) / d for d in range(1, k + 1)]
    return agreement[-1] * p**k + (1 - p) / p * sum(value * p**d for d, value in enumerate(agreement, 1))


class TestComparing:
    @given(
        st.integers(1, 10).flatmap(lambda k: st.tuples(*[st.lists(st.integers(0, 15).map(str), min_size=k, max_size=k, unique=True)] * 2))
    )
    def test_rank_biased_overlap_is_that_of_the_paper(self, lists):
        first, second = lists
        assert math.isclose(rank_biased_overlap(first, second), plain_rbo(first, second, 0.9), rel_tol=1e-9)
        assert math.isclose(rank_biased_overlap(first, second), rank_biased_overlap(second, first), rel_tol=1e-9)

    @given(st.lists(st.integers(0, 15).map(str), max_size=10, unique=True), st.lists(st.integers(0, 15).map(str), max_size=10, unique=True))
    def test_overlaps_lie_between_none_and_all(self, first, second):
        for measure in (overlap, rank_biased_overlap):
            assert -1e-12 <= measure(first, second) <= 1 + 1e-12
            assert math.isclose(measure(first, first), 1.0)
        assert rank_biased_overlap(["a"], ["b"]) == overlap(["a"], ["b"]) == 0

    def test_both_lists_with_what_moved_and_who_is_better(self):
        lists = {"none": ["a", "b", "c"], "m/v0001": ["b", "a", "d"]}
        judged = {"1": "one", "2": "two"}, {"1": {"b": 3.0, "d": 1.0}, "2": {"x": 0.0}}
        found = compare(lambda query, model: lists[model], "none", "m/v0001", ["one", "two"], judged)
        row = found.queries[0]
        assert [(place.key, place.moved) for place in row.second] == [("b", 1), ("a", -1), ("d", None)]
        assert [place.grade for place in row.second] == [3.0, None, 1.0]
        assert (found.judged, found.changed, row.jaccard) == (1, 2, 0.5) and found.queries[1].ndcg is None
        best = 7 + 1 / math.log2(3)
        assert row.ndcg == pytest.approx(((7 / math.log2(3)) / best, (7 + 0.5) / best))
        assert found.gain[0] == pytest.approx(row.ndcg[1] - row.ndcg[0])

    def test_judgments_are_those_of_the_home(self, tmp_path):
        home = Home.at(tmp_path)
        assert home_judgments(home) is None
        (tmp_path / "judgments").mkdir()
        (tmp_path / "judgments" / "queries.tsv").write_text("1\tone\n2\ttwo\n")
        (tmp_path / "judgments" / "judgments.qrels").write_text("1 0 a 2\n2 0 b 0\n")
        judged = home_judgments(home)
        assert judged_texts(judged, 9) == ["one"] and judged[1]["1"] == {"a": 2.0}


class TestTimes:
    @given(st.lists(st.floats(0.0001, 20), min_size=1, max_size=200), st.sampled_from([0.5, 0.95, 0.99]))
    def test_quantiles_lie_in_the_bucket_of_the_true_one(self, values, share):
        bounds = [0.001, 0.01, 0.1, 1.0, 10.0, math.inf]
        buckets = [(bound, float(sum(value <= bound for value in values))) for bound in bounds]
        true = sorted(values)[math.ceil(share * len(values)) - 1]
        upper = next(bound for bound in bounds if true <= bound)
        lower = max([0.0, *(bound for bound in bounds if bound < true)])
        assert lower - 1e-12 <= quantile(buckets, share) <= upper

    def test_histograms_become_times(self):
        registry = CollectorRegistry()
        stages = Histogram("searchd_stage_seconds", "x", ("stage",), buckets=(0.001, 0.01), registry=registry)
        searches = Histogram("searchd_search_seconds", "x", buckets=(0.001, 0.01), registry=registry)
        assert latency(registry.collect()).search is None
        for _ in range(10):
            stages.labels("retrieve").observe(0.0005)
            searches.observe(0.005)
        searches.observe(99)
        found = latency(registry.collect())
        assert found.search.count == 11 and found.search.p99 is None and 0.001 < found.search.p50 < 0.01
        assert [one.name for one in found.stages] == ["retrieve"] and found.buckets == [(0.001, 0), (0.01, 10), (None, 1)]
        assert json.loads(json.dumps(found.stages[0].mean)) == pytest.approx(0.0005)


class TestLatest:
    def test_a_slow_count_is_waited_for_a_moment_and_found_later(self):
        latest, gate = Latest(60), threading.Event()
        counted = []

        def count():
            gate.wait(10)
            counted.append(1)
            return "numbers"

        assert latest.get("a", count, 0.01).value is None
        assert latest.get("a", count, 0.01).value is None
        gate.set()
        assert latest.get("a", count, 10).value == "numbers" and counted == [1]

    def test_numbers_are_kept_until_they_are_old_or_forgotten(self):
        numbers = iter(range(9))
        latest = Latest(60)
        assert [latest.get("a", lambda: next(numbers), 10).value for _ in range(3)] == [0, 0, 0]
        latest.forget()
        assert latest.get("a", lambda: next(numbers), 10).value == 1
        old = Latest(0)
        old.get("a", lambda: "first", 10)
        time.sleep(0.01)
        assert old.get("a", lambda: "second", 10).value in ("first", "second")

    def test_an_error_is_told_and_tried_again(self):
        latest = Latest(60)
        with pytest.raises(LexiconError):
            latest.get("a", lambda: (_ for _ in ()).throw(LexiconError("no")), 10)
        assert latest.get("a", lambda: 1, 10).value == 1


class TestFormTokens:
    def test_a_token_is_of_one_key_one_browser_and_some_hours(self):
        token = form_token(b"s" * 32, "key", "nonce", 1000)
        assert genuine(token, b"s" * 32, "key", "nonce", 1000 + LIFETIME)
        assert not genuine(token, b"s" * 32, "key", "nonce", 1001 + LIFETIME)
        for other in ((b"t" * 32, "key", "nonce"), (b"s" * 32, "other", "nonce"), (b"s" * 32, "key", "another")):
            assert not genuine(token, *other, 1000)
        assert not genuine(form_token(b"s" * 32, "key", "", 1000), b"s" * 32, "key", "", 1000)

    @given(st.text(max_size=100))
    def test_made_up_tokens_are_refused(self, text):
        assert not genuine(text, b"s" * 32, "key", "nonce", 1000)


class TestActivations:
    def test_the_story_is_told_newest_first_and_does_not_grow_for_ever(self, tmp_path):
        home = Home.at(tmp_path)
        assert activations(home) == []
        for n in range(KEPT + 5):
            note(home, action="activate", model=f"m/v{n:04d}", before="none", by="me")
        story = activations(home)
        assert len(story) == KEPT and story[0].model == f"m/v{KEPT + 4:04d}" and story[0].at >= story[-1].at

    def test_a_damaged_story_is_no_reason_to_fail(self, tmp_path):
        home = Home.at(tmp_path)
        note(home, action="activate", model="m/v0001", before="none")
        (home.models / "ACTIVATIONS.json").write_text("[{")
        assert activations(home) == []
        note(home, action="rollback", model="none", before="m/v0001")
        assert [one.action for one in activations(home)] == ["rollback"]
