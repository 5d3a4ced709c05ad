"""A home under every command in any order, disturbed or not, against a model of dictionaries: Hypothesis chooses, and shrinks what fails.

Whoever opened an index before reads on from that, whatever comes. Copies are taken and put in the place of the home.
"""

import copy
import shutil
import sqlite3
from contextlib import closing

import hypothesis.strategies as st
import numpy as np
from home_chances import MORE, QUERIES, RELATED, SCHEMA
from home_model import matching
from home_under_test import content, found
from home_users import Users
from home_writers import Writers
from hypothesis.stateful import invariant, precondition, rule

from indexer.build import build
from indexer.home import Home
from indexer.index import verify
from searchd.doctor import FAILURE, diagnose
from searchd.engine import Engine
from searchd.similar import similar_hits

READERS = 3


def answers(engine):
    """What an engine says to all kinds of questions, without what tells two homes apart."""
    pages = {q: engine.search(q, limit=30, model="none", log=False, facets=["tag", "year"]) for q in (*QUERIES, *MORE)}
    pages |= {f"all of {q}": engine.search(q, limit=30, model="none", log=False, mode="and") for q in MORE}
    pages["sorted"] = engine.search("apple waterfall", limit=30, model="none", log=False, sort="year:desc", filter='tag != "t1"')
    told = {q: repr(page._replace(query_id="", took=0, generation="", seconds={}, features=None, made=None)) for q, page in pages.items()}
    told["similar"] = repr([similar_hits(engine, key, 5) for key in ("key-0", "key-1", "key-2") if engine.index.doc(key) >= 0])
    return told


class HomeMachine(Writers, Users):
    """All of them, whoever reads on, copies, and what has to hold."""

    def teardown(self):
        try:
            if self.engine is not None:
                self.check_with_the_doctor()
        finally:
            super().teardown()

    @rule(query=st.sampled_from(QUERIES))
    def somebody_opens_it(self, query):
        engine = Engine(self.home)
        self.readers = [*self.readers[1 - READERS :], (engine.snapshot(), engine, query, found(engine, query), content(engine.index))]

    @precondition(lambda self: self.readers)
    @rule(which=st.integers(0, READERS - 1))
    def somebody_reads_on(self, which):
        """From the generation he opened, which may be removed by now."""
        snapshot, engine, query, before, held = self.readers[which % len(self.readers)]
        assert content(snapshot.index) == held
        docs, scores = snapshot.retriever.top(*engine_terms(snapshot, query), 100)
        assert (snapshot.index.keys(docs), scores.tolist()) == before

    @rule()
    def restart(self):
        self._stop()
        self._start()

    @rule(whole=st.booleans())
    def copy_the_home(self, whole):
        """As ``deploy/backup`` does: the database by SQLite; ``whole``: with the generations before, too."""
        self.number += 1
        target = self.folder / f"copy-{self.number}"
        left_out = shutil.ignore_patterns("clicks.sqlite3*", *(() if whole else ("HISTORY", *self._generations_but_the_current())))
        self.log.flush()
        shutil.copytree(self.home.root, target, ignore=left_out)
        with closing(sqlite3.connect(self.home.clicks)) as source, closing(sqlite3.connect(target / "clicks.sqlite3")) as copied:
            source.backup(copied)
        model = copy.deepcopy(self.model)
        if not whole:
            model.generations, model.previous = {model.current: model.now}, {}
        self.copies = [*self.copies[-1:], (target, model, set(self.tolerated))]

    @precondition(lambda self: self.copies)
    @rule(which=st.integers(0, 1))
    def restore_a_copy(self, which):
        """The server stops, the copy takes the place of the home, the server starts."""
        target, model, tolerated = self.copies[which % len(self.copies)]
        self._stop()
        shutil.rmtree(self.home.root)
        shutil.copytree(target, self.home.root)
        self.model, self.tolerated = copy.deepcopy(model), set(tolerated)
        self._start()

    def _generations_but_the_current(self):
        return [p.name for p in self.home.index.glob("g*") if p.name != self.model.current]

    # What has to hold.

    @invariant()
    def what_is_searched_is_what_the_model_says(self):
        if self.engine is None:
            return
        engine, documents = self.engine_now(), self.model.now.documents
        assert (engine.index.generation, content(engine.index)) == (self.model.current, (list(documents.values()), self.model.now.words))
        page = engine.search("", filter="year >= 2000", limit=100, model="none", log=False)
        assert [hit.id for hit in page.hits] == list(documents)
        self.number += 1
        query = QUERIES[self.number % len(QUERIES)]
        assert set(found(engine, query)[0]) == matching(documents, query), query
        for key in ("key-0", "key-5"):
            assert (engine.index.doc(key) >= 0) == (key in documents)

    @invariant()
    def what_was_acknowledged_is_there_once(self):
        if self.log is not None:
            stored = sorted(event.event_id for event in self.log.events())
            assert stored == sorted(self.model.clicks)

    @invariant()
    def every_byte_is_as_it_was_published(self):
        if self.engine is not None:
            assert verify(self.home) == []
            assert {p.name for p in self.home.index.glob("g*")} >= set(self.model.generations)

    @rule()
    def compare_with_a_fresh_build(self):
        """The same keys, the same scores and the same features, to the bit."""
        self.number += 1
        fresh = Home.at(self.folder / f"fresh-{self.number}")
        if self.home.lexicon.exists():
            shutil.copytree(self.home.lexicon, fresh.lexicon)
        if not self.model.now.documents:
            return
        build(fresh, [self._source(self.model.now.documents.values())], SCHEMA)
        with Engine(fresh) as expected:
            for query in (*QUERIES, *RELATED, MORE[0]):
                assert found(self.engine_now(), query) == found(expected, query), query
            rows = [engine.rank(MORE[0], 20, "none").features for engine in (self.engine_now(), expected)]
            np.testing.assert_array_equal(*rows)
            told = answers(self.engine)
            for question, answer in answers(expected).items():
                assert told[question] == answer, question
        shutil.rmtree(fresh.root)

    @rule()
    def check_with_the_doctor(self):
        self.log.flush()
        wrong = [check for check in diagnose(self.home, full=True) if check.state == FAILURE]
        assert wrong == []
        with closing(sqlite3.connect(self.home.clicks)) as database:
            assert {one for (one,) in database.execute("SELECT query_id FROM impressions")} == set(self.model.searches)


def engine_terms(snapshot, query):
    """(terms, weights) of a query for a snapshot's retriever."""
    return snapshot.query_terms.asked(query)[1]
