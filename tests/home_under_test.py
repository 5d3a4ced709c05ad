"""A home, its engine and its log, commands that are disturbed, and whether the home is then what a model of dictionaries says.

A disturbed command is killed at an operation on the disk (in a fork), its disk is full or fails from there on, or another reader opens the home there.
Afterwards the home has what it had before or what the command was to do.
"""

import errno
import json
import shutil
import tempfile
from pathlib import Path

import pytest
from home_commands import strays
from home_model import Generation, HomeModel
from hypothesis.stateful import RuleBasedStateMachine
from killing import killed_at
from test_full_disk import refused

import indexer.durable as durable
import indexer.merging as merging
from indexer.home import Home
from indexer.index import Index
from ranker.clicklog import ClickLog
from ranker.query_ids import load_secret
from ranker.registry import Registry
from searchd.engine import Engine

# What the disk says, and whether it goes on saying so.
_FAILURES = {"full": (errno.ENOSPC, True), "full once": (errno.ENOSPC, False), "broken": (errno.EIO, False)}


def content(index):
    """The documents of an index in their order, and the words it was built with."""
    words = next((index.manifest.words(name) for name in index.manifest.analyzers), ())
    return list(map(index.stored, index.live_docs())), tuple(sorted(word for word, _ in words))


def found(engine, query):
    """Keys and scores of what retrieval finds, float32 as they come."""
    docs, scores = engine.retrieve(query, 100)
    return engine.index.keys(docs), scores.tolist()


class HomeUnderTest(RuleBasedStateMachine):
    """One home, its engine and its log, and what the model says of them."""

    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="chaos-"))
        self.home, self.model = Home.at(self.folder / "home"), HomeModel()
        self.readers, self.copies, self.tolerated, self.number = [], [], set(), 0
        self.engine = self.log = None
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(merging, "LEAST_DELETED", 2)

    def teardown(self):
        durable.watch(None)
        self.patch.undo()
        if self.engine is not None:
            self._stop()
        shutil.rmtree(self.folder)

    # How commands are run.

    def _disturbed(self, work, disturbance):
        """Run a command; whether it came to its end, undisturbed as far as it knows."""
        if disturbance is None:
            work()
            return True
        how, point = disturbance
        if how in _FAILURES:
            return refused(work, point, *_FAILURES[how], self.home.root) is None
        if how == "read":
            return self._read_in_between(work, point)
        self._quiet()
        return not killed_at(point, work, how == "torn", self.home.root)

    def _read_in_between(self, work, point):
        """Somebody opens the home at an operation and finds what was there before or what is there now."""
        count, before = 0, self._observed()

        def observe(step, do):
            nonlocal count
            done = do()
            count += 1
            if count == point and step.path.is_relative_to(self.home.root):
                self.seen = self._observed()
            return done

        self.seen = before
        durable.watch(observe)
        try:
            work()
        finally:
            durable.watch(None)
        assert self.seen[1:] in (before[1:], self._observed()[1:]), f"a reader in between saw {self.seen}"
        return True

    def _quiet(self):
        """Nothing waits and no thread writes while the process is forked."""
        self.log.close()

    def _observed(self):
        """(generation, its documents and words, the model that serves), as whoever comes now finds them."""
        serving = Registry(self.home).active()
        if not self.home.current.exists():
            return None, None, serving
        with Index.open(self.home, any_analyzer=True) as index:
            return index.generation, content(index), serving

    def _published(self, new, whole, published=None):
        """After a command on the index that was to publish ``new``: take over what is there, which is that or what was there before."""
        name, (documents, words), _ = self._observed()
        observed = (documents, words)
        if name == self.model.current:
            assert not whole or published is False, f"nothing was published: {documents}"
            assert observed == (list(self.model.now.documents.values()), self.model.now.words)
            return
        assert observed == (list(new.documents.values()), new.words), f"expected {new}, or {self.model.now}, found {observed}"
        between = sorted(p.name for p in self.home.index.glob("g*") if self.model.current and self.model.current < p.name < name)
        for one in (*(between if published == "several" else ()), name):
            self.model.publish(one, new)
        if whole:
            folders = sorted(p.name for p in self.home.index.glob("g*"))
            assert folders == sorted(self.model.generations), f"expected {sorted(self.model.generations)}, found {folders}"

    def _check_left_behind(self, whole, *replaced):
        """A command that came to its end left nothing behind, and removed what one that was killed had left in its place."""
        left = set(strays(self.home))
        if whole:
            unexplained = [name for name in left if name not in self.tolerated or any(part in name for part in replaced)]
            assert unexplained == [], f"left behind: {unexplained}"
            self.tolerated &= left
        else:
            self.tolerated = left

    def _index_command(self, work, new, disturbance, published=None, replaced=("index/.staging-", ".CURRENT.", ".HISTORY.")):
        whole = self._disturbed(work, disturbance)
        self._published(new, whole, published)
        self._check_left_behind(whole, *(replaced if published is not False else ()))

    def _model_command(self, work, disturbance, *replaced):
        whole = self._disturbed(work, disturbance)
        self._check_left_behind(whole, *replaced)
        return whole

    # Parts.

    def engine_now(self):
        """The engine, with what is published now."""
        self.engine.snapshot()
        return self.engine

    def _start(self):
        self.log = ClickLog(self.home.clicks)
        self.secret = load_secret(self.home)
        self.engine = Engine(self.home, click_log=self.log, secret=self.secret)
        self.engine.keep_answers(1 << 20, lambda hits: repr(hits).encode())

    def _stop(self):
        self.engine.close()
        self.log.close()
        self.engine = None

    def _generation(self, documents):
        return Generation({one["id"]: one for one in documents}, self.model.words)

    def _source(self, documents, bad=False):
        path = self.folder / "source.jsonl"
        path.write_text("\n".join([*(json.dumps(one, ensure_ascii=False) for one in documents), *["{"] * bad]), encoding="utf-8")
        return str(path)

    @staticmethod
    def _made(folder):
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @staticmethod
    def _refused(error, work):
        try:
            work()
        except error:
            return
        raise AssertionError(f"expected {error.__name__}")
