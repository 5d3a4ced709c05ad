"""Postings: what is encoded comes back, stored maxima bound every posting, and the same input gives the same bytes."""

import numpy as np
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from small_index import schema_of

from indexer import bm25
from indexer.codebook import TupleCounter, number_tuples
from indexer.postings import MAX_DOCS, SUPERBLOCK, Tiers, TooManyPostings
from indexer.postings_counts import counts_of
from indexer.postings_encoder import TIERS, PostingsEncoder, Stretch, encode_postings
from indexer.postings_view import PostingsView


def random_lists(seed: int, num_docs: int, dfs: list[int], num_fields: int, tf_scale: float):
    """Lists of the given lengths with geometric frequencies: starts, docs, tfs, lengths, streams."""
    rng = np.random.default_rng(seed)
    dfs = sorted(dfs, reverse=True)
    docs = [np.sort(rng.choice(num_docs, min(df, num_docs), replace=False)) for df in dfs]
    starts = np.cumsum([0, *map(len, docs)])
    tfs = rng.geometric(1 / tf_scale, (starts[-1], num_fields)).astype(np.uint32) - 1
    tfs[tfs.sum(axis=1) == 0, 0] = 1
    flat = np.concatenate(docs).astype(np.int32) if len(docs) else np.zeros(0, np.int32)
    lengths = np.zeros((num_fields, num_docs), np.uint32)
    for f in range(num_fields):
        np.add.at(lengths[f], flat, tfs[:, f])
    return starts, flat, tfs, lengths, np.zeros(len(dfs), np.uint8)


def view_of(starts, docs, tfs, lengths, streams, schema, tiers=TIERS) -> PostingsView:
    counts = np.diff(starts)
    return PostingsView(encode_postings(starts, docs, tfs, lengths, streams, schema, tiers), lambda ids: counts[ids])


TIERS_OF_ALL_SIZES = (TIERS, Tiers(4, 4, 4), Tiers(20, 100, 2), Tiers(1, 1e6, 1e6))


@settings(deadline=None, max_examples=examples(60))
@given(
    seed=st.integers(0, 1000),
    num_docs=st.sampled_from([1, 63, 64, 300, 4095, 4096, 4097, 13000]),
    dfs=st.lists(st.sampled_from([0, 1, 7, 255, 256, 257, 1000, 5000, 13000]), max_size=8),
    num_fields=st.integers(1, 3),
    tf_scale=st.sampled_from([1.2, 3.0, 30.0]),
    tiers=st.sampled_from(TIERS_OF_ALL_SIZES),
)
def test_decoding_inverts_encoding(seed, num_docs, dfs, num_fields, tf_scale, tiers):
    starts, docs, tfs, lengths, streams = random_lists(seed, num_docs, dfs, num_fields, tf_scale)
    view = view_of(starts, docs, tfs, lengths, streams, schema_of(num_fields), tiers)
    for term in range(len(dfs)):
        found_docs, found_tfs = view.postings(term)
        part = slice(starts[term], starts[term + 1])
        np.testing.assert_array_equal(found_docs, docs[part])
        np.testing.assert_array_equal(found_tfs, tfs[part])


@settings(deadline=None, max_examples=examples(60))
@given(
    seed=st.integers(0, 1000),
    num_docs=st.sampled_from([1, 63, 300, 4095, 4097, 13000]),
    dfs=st.lists(st.sampled_from([0, 1, 7, 255, 256, 1000, 5000, 13000]), max_size=8),
    num_fields=st.integers(1, 3),
    share=st.sampled_from([0.0, 0.01, 0.5, 1.0]),
    tiers=st.sampled_from(TIERS_OF_ALL_SIZES),
)
def test_a_walk_counts_what_each_term_has_of_some_documents(seed, num_docs, dfs, num_fields, share, tiers):
    starts, docs, tfs, lengths, streams = random_lists(seed, num_docs, dfs, num_fields, 3.0)
    view = view_of(starts, docs, tfs, lengths, streams, schema_of(num_fields), tiers)
    some = np.flatnonzero(np.random.default_rng(seed).random(num_docs) < share)
    expected = [np.isin(docs[starts[term] : starts[term + 1]], some).sum() for term in range(len(dfs))]
    assert counts_of(view, lambda ids: np.diff(starts)[ids], some).tolist() == expected


def test_a_walk_over_a_list_longer_than_16_bits():
    starts, docs, tfs, lengths, streams = random_lists(1, 140_000, [100_000, 66_000, 300], 1, 1.5)
    for tiers in TIERS_OF_ALL_SIZES:
        view = view_of(starts, docs, tfs, lengths, streams, schema_of(1), tiers)
        assert counts_of(view, lambda ids: np.diff(starts)[ids], np.arange(140_000)).tolist() == [100_000, 66_000, 300]


def test_a_list_longer_than_16_bits_has_right_starts():
    starts, docs, tfs, lengths, streams = random_lists(1, 140_000, [100_000, 66_000, 65_535, 300], 1, 1.5)
    view = view_of(starts, docs, tfs, lengths, streams, schema_of(1))
    assert len(view["superblock_starts_high"]) == 2
    for term in range(4):
        np.testing.assert_array_equal(view.postings(term)[0], docs[starts[term] : starts[term + 1]])


@pytest.mark.parametrize("num_fields", [1, 2])
def test_stored_maxima_bound_every_posting(num_fields):
    schema = schema_of(num_fields)
    starts, docs, tfs, lengths, streams = random_lists(2, 9000, [8000, 3000, 400, 256], num_fields, 3.0)
    view = view_of(starts, docs, tfs, lengths, streams, schema)
    norms = bm25.norms(lengths, *bm25.field_parameters(schema), bm25.average_lengths(lengths))
    x = (tfs * norms[:, docs].T).sum(axis=1)
    shares = x / (np.float32(schema.k1["word"]) + x)
    rows, _, _ = view.locate(np.arange(4))
    for term, row in enumerate(rows):
        part = slice(starts[term], starts[term + 1])
        bounds = view["superblock_maxima"][row][docs[part] // SUPERBLOCK] / 255
        assert (shares[part] <= bounds * (1 + 1e-6)).all()
        assert (bounds - 1 / 255 <= shares[part].max()).all()
        if row < len(view["block_maxima"]):
            assert (shares[part] <= view["block_maxima"][row][docs[part] // 64] / 255 * (1 + 1e-6)).all()
        ranked = np.sort(shares[part])[::-1]
        for column, rank in enumerate((10, 100, 1000)):
            stored = view["thresholds"][row, column] / 65535
            assert stored == 0 if len(ranked) < rank else ranked[rank - 1] - 1 / 2000 <= stored <= ranked[rank - 1] * (1 + 1e-6)


def test_the_same_input_gives_the_same_bytes():
    lists = random_lists(3, 5000, [4000, 300, 20], 2, 4.0)
    first, second = encode_postings(*lists, schema_of(2)), encode_postings(*lists, schema_of(2))
    assert first.keys() == second.keys()
    assert all(first[name].tobytes() == second[name].tobytes() for name in first)


def test_terms_without_postings_and_empty_segments_are_fine():
    starts, docs, tfs, lengths = np.zeros(4, np.int64), np.zeros(0, np.int32), np.zeros((0, 1), np.uint32), np.zeros((1, 0), np.uint32)
    docs, tfs = view_of(starts, docs, tfs, lengths, np.zeros(3, np.uint8), schema_of(1)).postings(1)
    assert docs.shape == (0,) and tfs.shape == (0, 1)


def test_commonest_tuples_have_the_smallest_codes():
    tfs = np.array([[0, 1]] * 5 + [[2, 0]] * 3 + [[1, 1]] * 3 + [[70000, 9]], np.uint32)
    assert number_tuples(tfs).ordered.tolist() == [[0, 0], [0, 1], [1, 1], [2, 0], [70000, 9]]


def test_thousands_of_distinct_tuples_have_codes_of_their_own():
    tfs = np.random.default_rng(4).integers(0, 1000, (5000, 3)).astype(np.uint32)
    codes = number_tuples(tfs)
    assert len(np.unique(tfs, axis=0)) == len(np.unique(codes.ordered[1:], axis=0)) == len(codes.ordered) - 1


def test_too_large_a_segment_is_refused():
    lengths = np.broadcast_to(np.zeros((1, 1), np.uint32), (1, MAX_DOCS + 1))
    with pytest.raises(TooManyPostings, match="smaller segments"):
        encode_postings(
            np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros((0, 1), np.uint32), lengths, np.zeros(0, np.uint8), schema_of(1)
        )


def test_postings_of_one_field_take_little_room():
    starts, docs, tfs, lengths, streams = random_lists(5, 60_000, [int(30_000 / r) for r in range(1, 3000)], 1, 1.4)
    sections = encode_postings(starts, docs, tfs, lengths, streams, schema_of(1))
    assert sum(a.nbytes for a in sections.values()) / len(docs) < 3.0


def cut_anywhere(rng: np.random.Generator, lists, part):
    """A part's postings in stretches of random numbers of terms."""
    starts, docs, tfs = lists
    borders = sorted({part.first, part.last, *rng.integers(part.first, part.last + 1, 3).tolist()})
    for first, last in zip(borders, borders[1:]):
        a, b = starts[first], starts[last]
        yield Stretch(starts[first : last + 1] - a, docs[a:b], tfs[a:b])


@settings(deadline=None, max_examples=examples(30))
@given(st.integers(0, 1000), st.lists(st.sampled_from([1, 7, 255, 256, 1000, 5000]), max_size=8), st.integers(1, 2))
def test_the_bytes_do_not_depend_on_the_stretches(seed, dfs, num_fields):
    starts, docs, tfs, lengths, streams = random_lists(seed, 9000, dfs, num_fields, 4.0)
    rng = np.random.default_rng(seed)
    counter = TupleCounter(num_fields)
    for part in np.array_split(rng.permutation(tfs), 3):
        counter.add(part)
    encoder = PostingsEncoder(np.diff(starts), counter.finish(), lengths, streams, schema_of(num_fields))
    found = {part.name: list(encoder.encode(part, cut_anywhere(rng, (starts, docs, tfs), part))) for part in encoder.parts}
    sections = {name: np.concatenate(pieces) if pieces else np.zeros(0) for name, pieces in found.items()} | encoder.finish()
    for name, whole in encode_postings(starts, docs, tfs, lengths, streams, schema_of(num_fields)).items():
        assert whole.tobytes() == sections[name.removeprefix("postings.")].tobytes(), name


def test_terms_are_found_in_any_order_and_absent_ones_have_nothing():
    starts, docs, tfs, lengths, streams = random_lists(8, 5000, [4000, 900, 300, *range(40, 0, -1)], 1, 3.0)
    view = view_of(starts, docs, tfs, lengths, streams, schema_of(1))
    ids = np.random.default_rng(1).permutation(np.arange(-1, 43))
    rows, begins, ends = view.locate(ids)
    np.testing.assert_array_equal(rows, np.where(ids < 3, ids, -1))
    np.testing.assert_array_equal(ends - begins, np.where(ids < 0, 0, np.diff(starts)[ids]))
    assert view.header.num_wide == 2 and (view["rare_starts"] == begins[np.argsort(ids)][4::8]).all()


def test_stretches_that_are_not_what_was_said_are_refused():
    starts, docs, tfs, lengths, streams = random_lists(6, 900, [300, 20, 10], 1, 2.0)
    codes, schema = number_tuples(tfs), schema_of(1)
    with pytest.raises(ValueError, match="falling number"):
        PostingsEncoder(np.array([10, 20]), codes, lengths, streams[:2], schema)
    encoder = PostingsEncoder(np.diff(starts), codes, lengths, streams, schema)
    with pytest.raises(ValueError, match="as many postings as was said"):
        list(encoder.encode(encoder.parts[0], [Stretch(starts[1:3] - starts[1], docs[300:330], tfs[300:330])]))
    with pytest.raises(ValueError, match="are missing"):
        list(encoder.encode(encoder.parts[0], []))
    with pytest.raises(ValueError, match="0 of 3 terms"):
        encoder.finish()
