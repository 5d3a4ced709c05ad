"""The kept corpora of the fuzzers, and mutations of them: what reads other people's bytes returns or raises an error of ours."""

import random

import fuzz_targets
import pytest
from fuzz_targets import CORPORA, TARGETS

TOKENS = (
    b"\x00",
    b"\xff",
    b'"',
    b"{",
    b"[",
    b"(",
    b"\n",
    b",",
    b"9" * 20,
    b"-1",
    b"nan",
    b"\xed\xa0\x80",
    b"=",
    b"1e999",
    b"*",
    b"OR ",
    b"tree_sizes=",
    b"Tree=0",
)


def mutated(data, chance):
    """Bytes cut, doubled, turned over, or with a token put in."""
    found = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        at, size = chance.randrange(len(found) + 1), chance.randint(0, 12)
        kind = chance.randrange(4)
        if kind == 0 and found:
            found[at % len(found)] ^= 1 << chance.randrange(8)
        elif kind == 1:
            del found[at : at + size]
        elif kind == 2:
            found[at:at] = chance.choice(TOKENS)
        else:
            found[at:at] = found[at : at + size] * chance.randint(1, 4)
    return bytes(found)


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("count", [30, pytest.param(3000, marks=pytest.mark.slow)])
def test_the_corpus_and_its_mutations(name, count):
    chance, kept = random.Random(count), sorted((CORPORA / name).iterdir())
    assert len(kept) >= 4
    for path in kept:
        data = path.read_bytes()
        TARGETS[name](data)
        for _ in range(count):
            TARGETS[name](mutated(data, chance))


FAULTS = {
    "query": ("parse_query", "("), "filters": ("parse_filter", "="), "model": ("parse_model", "num_class"), "events": ("parse_events", b"query_id"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_this_test_can_fail(name, monkeypatch):
    """A parser that fails on what the corpus holds is found by the corpus alone."""
    parser, token = FAULTS[name]
    original = getattr(fuzz_targets, parser)

    def failing(data, *more):
        return original(data, *more) if token not in data else 1 / 0

    monkeypatch.setattr(fuzz_targets, parser, failing)
    with pytest.raises(ZeroDivisionError):
        for path in (CORPORA / name).iterdir():
            TARGETS[name](path.read_bytes())
