"""Tables of segmentation: shared by processes, cached where only the user writes, checked before use."""

import os
from pathlib import Path

import numpy as np
import pytest

import indexer.han_tables as han_tables
from indexer.han_kernels import NOTHING, child_of
from indexer.han_tables import load_tables, no_tables


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache folder of the test's own, and how often the tables were made."""
    made = []
    original = han_tables._make
    monkeypatch.setattr(han_tables, "cache_directory", lambda: tmp_path / "kernels")
    monkeypatch.setattr(han_tables, "_make", lambda words: made.append(1) or original(words))
    return tmp_path / "dictionaries", made


def same(a, b):
    return all(np.array_equal(one, other) for one, other in zip(a, b))


def test_the_second_process_maps_what_the_first_one_made(cache):
    folder, made = cache
    first, second = load_tables(), load_tables()
    assert len(made) == 1 and same(first, second)
    path = next(folder.glob("*.tables"))
    assert path.stat().st_mode & 0o777 == 0o600
    assert str(path) in Path("/proc/self/maps").read_text()
    assert sum(array.nbytes for array in (first.keys, first.values, first.emits)) < 40e6


@pytest.mark.parametrize("spoil", [lambda data: data[:-1], lambda data: b"", lambda data: data[:1000] + b"x" + data[1001:]])
def test_a_spoilt_file_is_made_anew(cache, spoil):
    folder, made = cache
    whole = load_tables()
    path = next(folder.glob("*.tables"))
    data = path.read_bytes()
    path.unlink()  # the mapped file itself must not shrink
    path.write_bytes(spoil(data))
    assert same(load_tables(), whole) and len(made) == 2
    assert same(load_tables(), whole) and len(made) == 2


def test_a_folder_that_others_may_write_to_is_not_used(cache):
    folder, made = cache
    load_tables()
    folder.chmod(0o777)
    load_tables()
    assert len(made) == 2
    folder.chmod(0o700)
    next(folder.glob("*.tables")).chmod(0o666)
    load_tables()
    assert len(made) == 3


def test_a_link_is_not_followed(cache, tmp_path):
    folder, made = cache
    load_tables()
    path = next(folder.glob("*.tables"))
    os.rename(path, tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    load_tables()
    assert len(made) == 2


def test_words_of_a_user_have_tables_of_their_own_and_old_ones_go(cache):
    folder, made = cache
    for frequency in range(6):
        load_tables((("乒乓球拍卖", frequency),))
    assert len(made) == 6 and len(list(folder.glob("*.tables"))) == han_tables.KEPT_FILES == len(list(folder.glob("*.sha256")))


def test_without_a_cache_folder_every_process_has_its_own(cache, tmp_path):
    _, made = cache
    (tmp_path / "dictionaries").write_text("in the way")
    load_tables()
    load_tables()
    assert len(made) == 2


def test_the_trie_has_every_word_and_its_prefixes():
    words, freqs = han_tables._dictionary()
    tables = load_tables((("乒乓球拍卖", 7),))
    assert no_tables().keys.strides == tables.keys.strides
    expected = dict(zip(words, np.log(freqs) + tables.unknown)) | {"乒乓球拍卖": np.log(7) + tables.unknown}
    for word in [*words[::997], "乒乓球拍卖"]:
        node = 0
        for end, char in enumerate(word, 1):
            node = child_of(tables.keys, node, np.uint32(ord(char)))
            assert node > 0
            value = tables.values[node - 1]
            assert value == pytest.approx(expected[word[:end]]) if word[:end] in expected else value == NOTHING
