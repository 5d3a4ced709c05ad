"""Rules for those who train models, let them in and take them back, search and click."""

import json
from datetime import UTC, datetime

import hypothesis.strategies as st
from home_chances import CLIENTS, QUERIES, disturbances
from home_model import OUTSIDE, matching
from home_under_test import HomeUnderTest, found
from hypothesis.stateful import precondition, rule
from test_clicklog_faults import acknowledged

import ranker.gate as gate
from ranker.activations import label
from ranker.activations import rollback as roll_model_back
from ranker.dataset import from_judgments
from ranker.events import receive
from ranker.registry import Registry, UnknownModel
from ranker.sessions import read_clicks
from ranker.train import Plan, train
from ranker.training_set import NothingToLearn


class Users(HomeUnderTest):
    """Models, searches and clicks."""

    @rule(disturbance=disturbances)
    def train(self, disturbance):
        """A model of what is found first and what was clicked; it is trained here and stored by whoever may be killed."""
        clicked = {key: 2.0 for _, key, _ in self.model.clicks.values()}
        asked = {query: {**clicked, **dict.fromkeys(found(self.engine_now(), query)[0][:1], 3.0)} for query in QUERIES}
        try:
            rows = from_judgments(self.engine, dict(zip(QUERIES, QUERIES)), asked)
            trained, card = train(rows, Plan("pointwise", parameters={"rounds": 2, "min_data_in_leaf": 1}))
        except NothingToLearn:
            return
        registry = Registry(self.home)
        whole = self._model_command(lambda: registry.publish(trained, card, "m"), disturbance, "models/m/.staging-")
        versions = registry.versions("m")
        assert versions[:-1] == self.model.versions or (versions == self.model.versions and not whole)
        self.model.versions = versions

    @precondition(lambda self: self.model.versions)
    @rule(disturbance=disturbances, which=st.integers(0, 20))
    def activate(self, disturbance, which):
        version = self.model.versions[which % len(self.model.versions)]
        changes = version != self.model.serving
        work = lambda: gate.activate(self.engine_now, self.home, "m", version, force=True)  # noqa: E731
        replaced = (".ACTIVE.", ".WATCH.", ".ACTIVATIONS.") if changes else ()
        self._serves([*self.model.active, version] if changes else self.model.active, self._model_command(work, disturbance, *replaced))

    @rule(disturbance=disturbances)
    def roll_the_model_back(self, disturbance):
        if not self.model.active:
            self._refused(UnknownModel, lambda: roll_model_back(self.home))
            return
        whole = self._model_command(lambda: roll_model_back(self.home), disturbance, ".ACTIVE.", ".ACTIVATIONS.")
        self._serves(self.model.active[:-1], whole)

    def _serves(self, new, whole):
        serving = label(Registry(self.home).active())
        expected = [f"m/{active[-1]}" if active else "none" for active in (new, self.model.active)]
        assert serving in expected[: 1 if whole else 2], f"expected {expected}, found {serving}"
        if serving == expected[0]:
            self.model.active = new[-20:]

    @rule(query=st.sampled_from(QUERIES), client=st.sampled_from(CLIENTS))
    def search(self, query, client):
        result = self.engine.search(query, limit=5, client_id=client, num_typos=0)
        self.model.searches[result.query_id] = client, [hit.id for hit in result.hits]
        assert result.generation == self.model.current and {hit.id for hit in result.hits} <= matching(self.model.now.documents, query)
        assert self.model.running or (result.model and result.model.version) == self.model.serving

    @rule(which=st.integers(0, 50), rank=st.integers(0, 4), again=st.booleans())
    def click(self, which, rank, again):
        """What is sent again counts once."""
        shown = [(name, *one) for name, one in self.model.searches.items() if one[1]]
        if not shown:
            return
        query_id, client, keys = shown[which % len(shown)]
        key, self.number = keys[rank % len(keys)], self.number + 1
        body = json.dumps(
            {
                "action_name": "click", "timestamp": datetime.now(UTC).isoformat(), "query_id": query_id, "client_id": client, "event_id": f"e{self.number}",
                "event_attributes": {"object": {"object_id": key}, "position": {"ordinal": 1 + rank % len(keys)}},
            }
        ).encode()  # fmt: skip
        for times in range(1 + again):
            answer = receive(self.log, self.secret, body)
            assert (answer.accepted, answer.refused, answer.duplicates) == (1, [], times)
        self.model.clicks[f"e{self.number}"] = query_id, key, client

    @rule(count=st.integers(1, 3))
    def clicks_of_a_process_that_is_killed(self, count):
        """All that it acknowledged is there; of what it was storing when it died, all of a batch or nothing."""
        self._quiet()
        self.number += 1
        batches = [(f"k{self.number}-{n}-a", f"k{self.number}-{n}-b") for n in range(6)]
        told = acknowledged(self.home.clicks, batches, count)
        stored = {event.event_id for event in self.log.events()}
        for batch in batches:
            here = [event for event in batch if event in stored]
            assert len(here) in ((len(batch),) if batch in told else (0, len(batch))), f"of {batch} there are {here}; acknowledged: {told}"
            self.model.clicks |= dict.fromkeys(here, (OUTSIDE, "", ""))

    @rule(client=st.sampled_from(CLIENTS))
    def forget_a_client(self, client):
        self.log.purge(client_id=client)
        self.model.forget_client(client)

    @rule()
    def check_what_training_reads(self):
        """Every search that showed something, and of all acknowledged clicks those on what it showed, each document once."""
        self.log.flush()
        shown = {name: keys for name, (_, keys) in self.model.searches.items() if keys}
        clicks = {(query, key) for query, key, _ in self.model.clicks.values() if key in shown.get(query, ())}
        data = read_clicks(self.log, require_features=False)
        assert (data.num_sessions, data.num_clicks) == (len(shown), len(clicks))
