"""Rules for those who write a home's index, one after another or while a merge is at work."""

import hypothesis.strategies as st
from home_chances import LEXICONS, SCHEMA, disturbances, some_documents, some_keys
from home_commands import strays
from home_model import changed, reanalysed
from home_under_test import HomeUnderTest
from hypothesis.stateful import initialize, rule

import indexer.changes as changes
import indexer.durable as durable
import indexer.merging as merging
from indexer.build import build
from indexer.changes import Change, apply_all, fold
from indexer.index import AnalyzerMismatch, Index
from indexer.merging import merge_as_needed
from indexer.publish import NoSuchGeneration, rollback
from indexer.reindex import reindex_affected
from indexer.updates import update
from ranker.clicklog import ClickLog


class Writers(HomeUnderTest):
    """Every command on the index."""

    @initialize(documents=some_documents, disturbance=disturbances, fold_below=st.sampled_from((0, 2, changes.FOLD_BELOW)))
    def first_build(self, documents, disturbance, fold_below):
        """``fold_below``: small segments are folded at once, as they are, or wait to be merged."""
        self.patch.setattr(changes, "FOLD_BELOW", fold_below)
        source = self._source(documents)
        self.log = ClickLog(self._made(self.home.root) / "clicks.sqlite3")
        whole = self._disturbed(lambda: build(self.home, [source], SCHEMA), disturbance)
        if not self.home.current.exists():
            assert not whole
            build(self.home, [source], SCHEMA)
        self._published(self._generation(documents), True)
        self._check_left_behind(False)
        self._start()

    @rule(documents=some_documents, disturbance=disturbances)
    def build(self, documents, disturbance):
        source = self._source(documents)
        self._index_command(lambda: build(self.home, [source], SCHEMA), self._generation(documents), disturbance)

    @rule(upserts=some_documents | st.just([]), deletes=some_keys, disturbance=disturbances, shared=st.booleans())
    def change(self, upserts, deletes, disturbance, shared=False):
        """``shared``: as a service does, with the segments that its engine has open."""
        before = self.model.now.documents
        none = not upserts and not set(deletes) & set(before)
        new = self._generation(changed(before, upserts, deletes).values())
        older = self.engine_now().index if shared else None
        self._index_command(lambda: apply_all(self.home, [Change(upserts, deletes)], older), new, disturbance, False if none else None)

    @rule(upserts=some_documents, disturbance=disturbances)
    def update_from_a_file(self, upserts, disturbance):
        source = self._source(upserts, bad=True)
        new = self._generation(changed(self.model.now.documents, upserts, []).values())
        self._index_command(lambda: update(self.home, [source]), new, disturbance, "several")

    @rule(disturbance=disturbances)
    def fold(self, disturbance):
        self._index_command(lambda: fold(self.home), self.model.now, disturbance)

    @rule(disturbance=disturbances)
    def merge(self, disturbance):
        before = self.model.current
        whole = self._disturbed(lambda: merge_as_needed(self.home), disturbance)
        unchanged = self._observed()[0] == before
        self._published(self.model.now, whole, False if unchanged else "several")
        self._check_left_behind(whole, "index/.merging")

    @rule(other=st.sampled_from(("change", "change", "build", "fold", "roll_back", "change_the_lexicon")), upserts=some_documents, deletes=some_keys,
          words=st.sampled_from(LEXICONS))  # fmt: skip
    def merge_while_others_write(self, other, upserts, deletes, words):
        """Another command comes when the merged segment is being written; the merge takes over what that did, or gives up."""
        given = {"change": (upserts[:-1], deletes), "build": (upserts,), "change_the_lexicon": (words,)}
        began = False

        def observe(step, do):
            nonlocal began
            if step.path.parent.name == merging.MERGING and not began:
                began = True
                durable.watch(None)
                self.tolerated |= set(strays(self.home))
                getattr(self, other)(*given.get(other, ()), None)
                durable.watch(observe)
            return do()

        durable.watch(observe)
        try:
            merge_as_needed(self.home)
        finally:
            durable.watch(None)
        self._published(self.model.now, True, False if self._observed()[0] == self.model.current else "several")
        self._check_left_behind(True, "index/.merging")

    @rule(disturbance=disturbances)
    def roll_back(self, disturbance):
        chain = self.model.chain()
        if len(chain) < 2:
            self._refused(NoSuchGeneration, lambda: rollback(self.home))
            return
        whole = self._disturbed(lambda: rollback(self.home), disturbance)
        name = self._observed()[0]
        assert name == chain[1] or (name == chain[0] and not whole)
        self.model.current = name
        self._check_left_behind(whole, ".CURRENT.")
        if self.model.now.words != self.model.words:
            self._refused(AnalyzerMismatch, lambda: Index.open(self.home))
            self._bring_up_to_date(None)

    @rule(words=st.sampled_from(LEXICONS), disturbance=disturbances)
    def change_the_lexicon(self, words, disturbance):
        durable.write_file(self._made(self.home.lexicon) / "user.txt", "".join(f"{word}\n" for word in words).encode())
        self.model.words = words
        self._bring_up_to_date(disturbance)
        if self.model.now.words != words:
            self._bring_up_to_date(None)

    def _bring_up_to_date(self, disturbance):
        new = reanalysed(self.model.now, self.model.words)
        same = self.model.now.words == self.model.words
        self._index_command(lambda: reindex_affected(self.home), new, disturbance, False if same else None)
