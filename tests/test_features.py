"""The scan of documents against plain Python, and features against what they say they are."""

import itertools

import numpy as np
import pytest
from examples import examples
from fake_index import FakeIndex, FakeSegment, Term, atoms
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.format import Corrupt
from indexer.schema import Field, Schema
from ranker.features import FEATURES
from ranker.featureset import FeatureMismatch, FeatureSet
from ranker.matches import gather, title_field
from ranker.query_units import MAX_UNITS_OF_A_KIND, PAIR, PHRASE, query_units


def folded(m, fields):
    """A group of fields by numpy, one quantity at a time."""
    weights = np.array([m.schema.text_fields[f].weight for f in fields]) if len(fields) > 1 else np.ones(1)
    b, mean = (np.array([f.b for f in m.schema.text_fields]), np.maximum(m.avg_lengths, 1e-9))
    tf = m.tf / (1 - b + b * m.lengths / mean)[:, :, None]
    first = np.where(m.first[:, fields] < 0, np.inf, m.first[:, fields]).min(axis=1)
    best = m.spanned[:, fields].argmax(axis=1)[:, None]
    span, spanned = (np.take_along_axis(table[:, fields], best, 1)[:, 0].astype(float) for table in (m.span, m.spanned))
    first[np.isinf(first)] = span[span == 0] = np.nan
    pseudo = np.einsum("kfu,f->ku", tf[:, fields], weights)
    return m.tf[:, fields].sum(axis=1), pseudo, first, m.sizes[:, fields].sum(axis=1), span, spanned, m.near[:, fields].sum(axis=1)


LETTERS = ["a", "b", "c", "d", "\x01\u5b66", "\x01\u4e60", "\x01\u673a"]


def occurrences(sequence, pattern):
    n = len(pattern)
    return [i for i in range(len(sequence) - n + 1) if sequence[i : i + n] == list(pattern)]


def span_of(sequence, content):
    """(distinct content atoms, positions of the smallest window that holds them all), by trying every window."""
    hits = [i for i, atom in enumerate(sequence) if atom in content]
    distinct = {sequence[i] for i in hits}
    windows = [(j - i + 1) for i, j in itertools.product(hits, hits) if i <= j and distinct <= set(sequence[i : j + 1])]
    return len(distinct), min(windows, default=0)


def nearness(sequence, content):
    hits = [i for i, atom in enumerate(sequence) if atom in content]
    return sum(1 / (j - i) ** 2 for i, j in itertools.pairwise(hits) if sequence[i] != sequence[j] and j - i <= 10)


sequences = st.lists(st.sampled_from([*LETTERS, "x", "y", None]), max_size=40)
documents = st.lists(st.tuples(sequences, sequences).map(list), min_size=1, max_size=6)
queries = st.lists(st.sampled_from(["a", "b", "c", "q", "\u5b66\u4e60", "\u673a\u5b66\u4e60"]), min_size=1, max_size=5).map(" ".join)


def terms_of(text):
    """Query terms as an analyser would give them: words, Han characters, bigrams and words."""
    terms = [Term(a, 0.1 if a == "c" else 1.0) for a in dict.fromkeys(atoms(text))]
    for word in dict.fromkeys(w for w in text.split() if w > "\u4e00"):
        terms += [Term("\x02" + word[i : i + 2], 0.5) for i in range(len(word) - 1)] + [Term("\x03" + word, 0.0)]
    return terms


@given(documents, documents, queries)
@settings(max_examples=examples(60), deadline=None)
def test_the_scan_finds_what_a_plain_search_finds(first, second, text):
    index = FakeIndex([FakeSegment(first), FakeSegment(second, first_id=300)])
    docs = np.arange(index.num_docs)[::-1].copy()
    m = gather(index, terms_of(text), text, docs, np.zeros(len(docs)))
    everything = first + second
    content = {a for a, c in zip(m.query.atoms, m.query.content) if c}
    for row, doc in enumerate(docs):
        for field, sequence in enumerate(everything[doc]):
            assert m.sizes[row, field] == sum(t is not None for t in sequence)
            assert (m.spanned[row, field], m.span[row, field]) == span_of(sequence, content)
            assert m.near[row, field] == pytest.approx(nearness(sequence, content), rel=1e-6)
            for u, unit in enumerate(m.query.units):
                found = occurrences(sequence, unit.atoms)
                assert m.tf[row, field, u] == len(found)
                assert m.first[row, field, u] == (found[0] if found else -1)


long_sequences = st.lists(st.sampled_from([*LETTERS, "x", "y", "z", None]), max_size=200)


@given(st.lists(long_sequences, min_size=1, max_size=3), queries, st.sampled_from([0, 60, 120, 16_376, 1 << 21]))
@settings(max_examples=examples(60), deadline=None)
def test_64_bytes_at_a_time_find_what_a_plain_search_finds(rows, text, first_id):
    # Only rows with bytes behind them are read so; ids take one to four bytes.
    index = FakeIndex([FakeSegment([[row] for row in rows] + [[["x"] * 80]], first_id=first_id)])
    m = gather(index, terms_of(text), text, np.arange(len(rows)), np.zeros(len(rows)))
    content = {a for a, c in zip(m.query.atoms, m.query.content) if c}
    for row, sequence in enumerate(rows):
        assert m.sizes[row, 0] == sum(t is not None for t in sequence)
        assert (m.spanned[row, 0], m.span[row, 0]) == span_of(sequence, content)
        found = [occurrences(sequence, unit.atoms) for unit in m.query.units]
        assert m.tf[row, 0].tolist() == [len(places) for places in found]
        assert m.first[row, 0].tolist() == [places[0] if places else -1 for places in found]


@given(documents, queries)
@settings(max_examples=examples(40), deadline=None)
def test_groups_are_their_fields_folded(docs, text):
    index = FakeIndex([FakeSegment(docs)], Schema(fields=(Field("title", "text", 2.5, 0.3), Field("body", "text", 0.5))))
    m = gather(index, terms_of(text), text, np.arange(len(docs)), np.zeros(len(docs)))
    for group, fields in ((m.title, [0]), (m.rest, [1]), (m.whole, [0, 1])):
        for found, expected in zip(group, folded(m, fields)):
            np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("section", [0, 1, 2], ids=["data", "starts", "bases"])
def test_a_damaged_page_of_the_documents_is_refused(section):
    segment = FakeSegment([[["a", "b"]], [["b"]]])
    index = FakeIndex([segment])
    segment.forward._pages[section].section.verified[0] = 0  # checked anew, and its checksum is none of its own
    with pytest.raises(Corrupt, match="checksum differs"):
        gather(index, [Term("a")], "a", np.arange(2), np.zeros(2))


def example(text="quick fox", scores=(3.0, 2.0, 1.0)):
    docs = [
        [["quick", "fox"], ["the", "quick", "brown", "fox", "jumps"]],
        [["brown", "bear"], ["quick", "a", "b", "c", "d", "e", "f", "fox"]],
        [["fox", "quick"], []],
    ]
    schema = Schema(fields=(Field("title", "text", 2.0), Field("body", "text"), Field("year", "integer")))
    index = FakeIndex([FakeSegment(docs, {"year": [2020, None, 1990]})], schema)
    m = gather(index, [Term(w) for w in text.split()], text, np.arange(3), np.array(scores, np.float32))
    names = FeatureSet.default(schema)
    return m, dict(zip(names.names, names.compute(m).T))


def test_features_say_what_their_docstrings_say():
    _, x = example()
    assert x["title_equals"].tolist() == [1, 0, 0]
    assert x["title_phrase"].tolist() == [1, 0, 0]
    assert x["title_starts"].tolist() == [1, 0, 0]
    assert x["title_share"].tolist() == [1, 0, 1]
    assert x["whole_matched"].tolist() == [1, 1, 1]
    assert x["title_coverage"].tolist() == pytest.approx([1, 0, 1])
    assert x["rest_density"][:2].tolist() == pytest.approx([2 / 3, 2 / 8])
    assert x["query_words"].tolist() == [2, 2, 2]
    assert np.isnan(x["title_first"][1]) and x["title_first"][0] == 0
    assert x["retrieval_reciprocal_rank"].tolist() == pytest.approx([1, 1 / 2, 1 / 3])
    assert x["retrieval_score"].tolist() == [3, 2, 1]


def test_context_and_query_features_say_what_their_docstrings_say():
    m, x = example('"quick fox" 2')
    assert x["query_quoted"].tolist() == [1, 1, 1] and x["query_scripts"].tolist() == [2, 2, 2]
    assert x["retrieval_below_top"].tolist() == [0, -1, -2]
    assert x["retrieval_z"].tolist() == pytest.approx([1.2247449, 0, -1.2247449])
    _, x = example()
    assert x["title_matched"].tolist() == [2, 0, 2] and x["rest_matched"].tolist() == [2, 2, 0]
    assert x["query_idf_sum"][0] == pytest.approx(2 * x["query_idf_mean"][0]) and x["query_idf_min"][0] <= x["query_idf_max"][0]
    assert x["query_hits"][0] == pytest.approx(np.log1p(3))
    assert x["title_tf_idf"][0] == pytest.approx(np.log(2) * x["query_idf_sum"][0], rel=1e-5) and x["title_tf_idf"][1] == 0
    assert x["title_near"].tolist() == pytest.approx([np.log(2), 0, np.log(2)]) and x["title_lm"][0] > x["title_lm"][1]


def test_numeric_columns_are_features_and_missing_is_nan():
    _, x = example()
    assert x["column.year"][0] == 2020 and np.isnan(x["column.year"][1])


def test_bm25_is_the_formula():
    m, x = example()
    title = m.tf[:, 0, m.query.retrieval]
    norm = 1 - 0.75 + 0.75 * m.lengths[:, 0] / m.avg_lengths[0]
    tf = title / norm[:, None]
    expected = (m.idf[m.query.retrieval] * 2.2 * tf / (1.2 + tf)).sum(axis=1)
    assert x["title_bm25"] == pytest.approx(expected, rel=1e-5)


def test_the_rank_feature_follows_scores_not_the_order_given():
    _, x = example(scores=(1.0, 3.0, 2.0))
    assert x["retrieval_reciprocal_rank"].tolist() == pytest.approx([1 / 3, 1, 1 / 2])


def test_a_query_without_known_words_gives_numbers_or_nan():
    m, x = example("zebra")
    assert len(m.query.units) == 2
    assert not any(np.isinf(column).any() for column in x.values())
    m, x = example("")
    assert not any(np.isinf(column).any() for column in x.values())


def test_no_candidates_give_an_empty_table():
    m, _ = example()
    index = FakeIndex([FakeSegment([[["a"], ["b"]]])])
    empty = gather(index, [Term("a")], "a", np.zeros(0, np.int64), np.zeros(0, np.float32))
    assert FeatureSet.default(index.schema).compute(empty).shape == (0, len(FEATURES))


def test_one_text_field_leaves_the_rest_missing():
    index = FakeIndex([FakeSegment([[["a", "b"]], [["b"]]])])
    m = gather(index, [Term("a")], "a", np.arange(2), np.array([1.0, 0.5]))
    names = FeatureSet.default(index.schema)
    x = dict(zip(names.names, names.compute(m).T))
    assert np.isnan(x["rest_bm25"]).all() and np.isnan(x["rest_coverage"]).all()
    assert x["title_bm25"][0] > 0


def test_there_are_enough_features_and_none_is_the_shown_position():
    assert len(FEATURES) >= 25
    assert not any("position" in name or "shown" in name for name in FEATURES)


def test_the_heaviest_text_field_is_the_title():
    fields = (Field("body", "text"), Field("name", "text", 3.0), Field("tag", "keyword"))
    assert title_field(Schema(fields=fields)) == 1
    assert title_field(Schema(fields=(Field("one", "text"), Field("two", "text")))) == 0


def test_the_fingerprint_notices_names_fields_and_weights():
    fields = (Field("title", "text", 2.0), Field("body", "text"))
    base = FeatureSet.default(Schema(fields=fields))
    assert base.fingerprint == FeatureSet.default(Schema(fields=fields)).fingerprint
    assert base.fingerprint == FeatureSet.from_dict(base.to_dict()).fingerprint
    other = FeatureSet.default(Schema(fields=(Field("title", "text", 3.0), Field("body", "text"))))
    assert base.fingerprint != other.fingerprint
    assert base.fingerprint != FeatureSet(base.names[::-1], base.text_fields).fingerprint
    with pytest.raises(FeatureMismatch, match="column.year"):
        base.require(FeatureSet.default(Schema(fields=(*fields, Field("year", "integer")))), "the index")


def test_features_from_outside_cannot_be_computed():
    m, _ = example()
    with pytest.raises(FeatureMismatch, match="train it again"):
        FeatureSet.plain(["f1"]).compute(m)


def test_units_of_a_long_query_are_bounded():
    text = "\u5b66" * 500
    units = query_units(terms_of(" ".join(f"w{i}" for i in range(500))), atoms(text))
    assert max(np.bincount(units.kinds)) <= MAX_UNITS_OF_A_KIND
    assert (units.kinds == PHRASE).sum() == 1 and (units.kinds == PAIR).sum() == 1
