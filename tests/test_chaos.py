"""A whole home under chance: every command, disturbed or not, in any order, against a model of dictionaries (``home_machine.py``).

What fails is shrunk and printed as its steps, with the blob that ``reproduce_failure`` takes. The steps of a failure that was mended are kept here.
"""

import os

import pytest
from home_machine import HomeMachine
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from protocol_bugs import written_in_place

import indexer.changes as changes
import indexer.durable as durable
import indexer.index as index
import indexer.merging as merging
import indexer.publish as publish
import ranker.log_writer as log_writer
import ranker.registry as registry
from indexer.errors import SearchdError


def run(machine, examples, steps, start=None, **more):
    """Run a machine; ``start``: the seed, else always the same one."""
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        derandomize=start is None,
        database=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
        **more,
    )
    subject = type(machine.__name__, (machine,), {})
    run_state_machine_as_test(subject if start is None else seed(start)(subject), settings=chosen)


def test_a_sample_of_chances():
    run(HomeMachine, 4, 12)


@pytest.mark.slow
def test_thousands_of_steps():
    """``CHAOS_SEED`` chooses other steps and ``CHAOS_EXAMPLES`` how many times fifty; both are printed with what fails."""
    start, examples = (int(os.environ.get(name, usual)) for name, usual in (("CHAOS_SEED", "1"), ("CHAOS_EXAMPLES", "60")))
    print(f"CHAOS_SEED={start} CHAOS_EXAMPLES={examples}")
    run(HomeMachine, examples, 50, start)


def document(number, text="apple"):
    return {"id": f"key-{number}", "title": text, "body": "", "year": 2000, "tag": ["t1"]}


def documents(*numbers):
    return list(map(document, numbers))


def built(fold_below=0):
    return "first_build", {"documents": documents(0, 1, 2, 3, 4), "disturbance": None, "fold_below": fold_below}


def change(*upserts, deletes=(), disturbance=None):
    return "change", {"upserts": documents(*upserts), "deletes": [f"key-{number}" for number in deletes], "disturbance": disturbance}


def step(name, **arguments):
    return name, arguments


def replay(steps):
    """The steps of a machine that Hypothesis printed, with what has to hold after each."""
    machine = HomeMachine()
    try:
        for name, arguments in steps:
            getattr(machine, name)(**arguments)
            machine.what_is_searched_is_what_the_model_says()
            machine.what_was_acknowledged_is_there_once()
            machine.every_byte_is_as_it_was_published()
    finally:
        machine.teardown()


def _forgets_the_dying(segments, dying):
    for segment in segments:
        yield from changes.live_documents([segment])


def _by_number(home, history):
    now = publish.current_generation(home)
    return [name for name in sorted(publish._generations(home), reverse=True) if name <= now]


def _shares_whatever_it_was(folder, manifest, entry, known):
    segment, _ = known.get(manifest.file(entry.file).sha256, (None, ""))
    return segment or index.Segment(folder / entry.file, folder / entry.tombstones if entry.tombstones else None)


def _lost_nothing(segments, *_more):
    return [changes.np.zeros(segment.num_terms, "int64") for segment in segments]


def _never_committed(connection, batch, busy_seconds):
    if not connection.in_transaction:
        connection.execute("BEGIN")
    return [log_writer._store(connection, job) for job in batch]


def _collects_what_is_followed(home, history):
    for name in publish._generations(home):
        if name != publish.current_generation(home):
            durable.remove_folder(home.index / name)


BUGS = {
    "a delete is forgotten when its segment is folded": (
        (changes, "_without", _forgets_the_dying),
        (built(256), change(5, 6), change(7, 8, 9, deletes=[5])),
    ),
    "a delete during a merge is forgotten": (
        (merging, "_deleted_since", lambda sources: changes.np.zeros(0, "int64")),
        (built(), change(5, 6), change(7, 8), change(9, 0), change(1, 2), step("merge_while_others_write", other="change", upserts=documents(3), deletes=["key-6"], words=())),
    ),
    "a rollback goes back by number": (
        (publish, "_chain", _by_number),
        (built(), change(5), step("roll_back", disturbance=None), change(6), step("roll_back", disturbance=None)),
    ),
    "a rollback keeps the newer tombstones": (
        (index, "_open_segment", _shares_whatever_it_was),
        (built(), change(deletes=[1]), step("roll_back", disturbance=None)),
    ),
    "what is deleted still counts": (
        (changes, "losses_of", _lost_nothing),
        (built(), change(deletes=[1]), step("compare_with_a_fresh_build")),
    ),
    "collecting removes what a rollback needs": ((publish, "_collect", _collects_what_is_followed), (built(), change(5))),
    "the active model is written in place": (
        written_in_place(registry),
        (
            built(), ("change", {"upserts": [document(7, "banana cherry"), document(8, "cherry banana dragon")], "deletes": [], "disturbance": None}),
            step("train", disturbance=None), step("activate", which=0, disturbance=("torn", 11)),
        ),
    ),
    "clicks are acknowledged before they are committed": (
        (log_writer, "_commit", _never_committed),
        (built(), step("clicks_of_a_process_that_is_killed", count=2)),
    ),
    "what was killed is not cleared away": (
        (durable, "_remove_abandoned", lambda *_: None),
        (built(), change(5), step("roll_back", disturbance=("killed", 5)), step("roll_back", disturbance=None)),
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("bug", BUGS)
def test_these_steps_are_well(bug):
    """Without the bug of the next test."""
    replay(BUGS[bug][1])


@pytest.mark.parametrize("bug", BUGS)
def test_steps_find_what_is_wrong(bug, monkeypatch):
    change, steps = BUGS[bug]
    monkeypatch.setattr(*change)
    with pytest.raises((AssertionError, SearchdError)):
        replay(steps)


@pytest.mark.slow
@pytest.mark.parametrize("bug", BUGS)
def test_chance_finds_what_is_wrong(bug, monkeypatch):
    """Nobody tells it the steps."""
    monkeypatch.setattr(*BUGS[bug][0])
    with pytest.raises((AssertionError, SearchdError)):
        run(HomeMachine, 300, 50, 1, phases=(Phase.generate,), report_multiple_bugs=False)
