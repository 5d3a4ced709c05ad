"""Any log goes out in a form and comes back: all of it in our own, what they have a place for in the others; any line is read or refused by number."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from ranker.clicklog import ClickLog, Event, Impression
from ranker.transfer import EXPORTERS, IMPORTERS, BadTransfer, export_lines, import_lines, recognised

names = st.text(min_size=1, max_size=8)
optional = st.text(max_size=6)
times = st.integers(0, 4_000_000_000_000)
float32 = st.floats(width=32)


@st.composite
def impressions(draw, query_id, arrays):
    """One page, with arrays of its length or none."""
    keys = draw(st.lists(names, min_size=1, max_size=4, unique=True))
    n = len(keys)
    rows = lambda width: draw(st.none() | st.lists(float32, min_size=n * width, max_size=n * width).map(lambda v: np.array(v, np.float32)))  # noqa: E731
    features = rows(2) if arrays else None
    return Impression(
        query_id, draw(times), draw(optional), keys, application=draw(optional), client_id=draw(optional), session_id=draw(optional),
        user_id=draw(optional), generation=draw(optional), model=draw(optional), first_rank=draw(st.integers(1, 30)),
        features=None if features is None else features.reshape(n, 2), scores=rows(1) if arrays else None,
        propensities=rows(1) if arrays else None, served=rows(1) if arrays else None, simulated=draw(st.booleans()),
    )  # fmt: skip


@st.composite
def events(draw, event_id, shown):
    one = draw(st.sampled_from(shown)) if shown else None
    key = draw(st.sampled_from(one.keys)) if one else draw(names)
    return Event(
        event_id, one.query_id if one else "", draw(st.sampled_from(["click", "purchase"])), draw(times), key,
        one.keys.index(key) + one.first_rank if one else None, client_id=draw(optional), session_id=draw(optional), user_id=draw(optional),
        message=draw(optional), simulated=bool(one and one.simulated),
    )  # fmt: skip


@st.composite
def logs(draw, arrays=False):
    """What exporters and importers see of a log, without its file."""
    shown = [draw(impressions(name, arrays)) for name in draw(st.lists(names, max_size=4, unique=True))]
    done = [draw(events(name, shown)) for name in draw(st.lists(names, max_size=4, unique=True))]
    return SimpleNamespace(impressions=lambda: iter(shown), events=lambda: iter(done))


def back(log, form):
    """Out as lines, and in again."""
    lines = [json.loads(json.dumps(record)) if isinstance(record, dict) and form != "own" else record for record in EXPORTERS[form](log)]
    if form == "own":
        import msgspec

        lines = [msgspec.json.decode(msgspec.json.encode(line)) for line in lines]
    imported = IMPORTERS["ubi" if form == "ubi-bulk" else form](enumerate(lines, 1))
    assert imported.refused == []
    return imported


def same(first, second):
    return np.array_equal(first, second, equal_nan=True) if isinstance(first, np.ndarray) else first == second


@given(logs(arrays=True))
@settings(max_examples=examples(60), deadline=None)
def test_our_own_form_keeps_everything(log):
    imported = back(log, "own")
    for mine, theirs in ((log.impressions(), imported.impressions), (log.events(), imported.events)):
        for one, other in zip(mine, theirs, strict=True):
            assert all(map(same, one, other))


@pytest.mark.parametrize("form", ["ubi", "ubi-bulk"])
@given(log=logs())
@settings(max_examples=examples(60), deadline=None)
def test_ubi_keeps_what_was_shown_and_done(log, form):
    imported = back(log, form)
    assert [one[:9] for one in imported.impressions] == [one[:9] for one in log.impressions()]
    assert [(one.first_rank, one.simulated) for one in imported.impressions] == [
        (one.first_rank, one.simulated) for one in log.impressions()
    ]
    assert [one._replace(attributes=None) for one in imported.events] == list(log.events())


@given(logs())
@settings(max_examples=examples(60), deadline=None)
def test_metarank_keeps_lists_and_interactions(log):
    imported = back(log, "metarank")
    assert [one[:4] for one in imported.impressions] == [one[:4] for one in log.impressions()]
    seen = lambda one: (one.event_id, one.query_id, one.action_name, one.timestamp, one.object_id, one.session_id)  # noqa: E731
    assert [seen(one) for one in imported.events] == [seen(one) for one in log.events()]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = [
    "action_name",
    "timestamp",
    "event_id",
    "query_id",
    "user_query",
    "client_id",
    "session_id",
    "event_attributes",
    "object",
    "position",
    "ordinal",
    "event",
    "id",
    "items",
    "item",
    "type",
    "ranking",
    "fields",
    "impression",
    "keys",
    "first_rank",
    "query_response_hit_ids",
    "query_attributes",
    "user",
    "tenant",
]
records = st.dictionaries(st.sampled_from(FIELDS), values | st.just("ranking") | st.just("interaction") | st.just("click"), max_size=8)


@pytest.mark.parametrize("form", sorted(IMPORTERS))
@given(told=st.lists(records | values, max_size=4))
@settings(max_examples=examples(150), deadline=None)
def test_any_line_is_read_or_refused_by_its_number(told, form):
    imported = IMPORTERS[form](list(enumerate(told, 1)))
    assert {refusal.line for refusal in imported.refused} <= set(range(1, len(told) + 1)) and all(r.reason for r in imported.refused)
    assert all(recognised(record) in (None, *IMPORTERS) for record in told)


@pytest.mark.parametrize("form", ["ubi", "ubi-bulk"])
@pytest.mark.parametrize("where", ["shown", "clicked"])
def test_ids_that_ubi_does_not_allow_are_told_before_anything_is_written(tmp_path, form, where):
    long = "x" * 300
    with ClickLog(tmp_path / "clicks.sqlite3") as log:
        log.write([Impression("q", 5, "t", [long if where == "shown" else "a"])], [Event("e", "q", "click", 6, long, 1)])
        with pytest.raises(BadTransfer, match="at most 256 characters.*found one of 300.*--format own"):
            export_lines(log, form)
        lines = list(export_lines(log, "own"))
    with ClickLog(tmp_path / "other.sqlite3") as other:
        assert import_lines(other, lines).refused == [] and next(other.events()).object_id == long
