"""Tables of characters that all threads of a process share."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np

import indexer.characters as tables
from indexer.analysis import get_analyzer
from indexer.interning import new_names
from indexer.strings import pack
from indexer.swar import PADDING
from indexer.texts import Texts

THREADS = 4


def test_threads_that_ask_at_once_share_one_set_of_tables():
    tables._characters.cache_clear()
    ready = threading.Barrier(THREADS)

    def ask(_):
        ready.wait()
        return tables.characters()

    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(ask, range(THREADS)))
    assert all(one is found[0] for one in found)


def test_threads_that_begin_at_once_number_the_same_terms():
    packed = pack([f"ﬁ{chr(code)} Straße ½ {chr(code)}{chr(code + 1)}" for code in range(0xC0, 0x2000)])
    data = np.concatenate([packed.data, np.zeros(PADDING, np.uint8)])
    texts = Texts(data, packed.offsets[:-1].copy(), packed.offsets[1:].copy(), np.arange(len(packed) + 1))
    analyzer = get_analyzer("standard")

    def number(_):
        names, found = analyzer.number_terms(texts, new_names())
        return names.strings().texts(), found.tokens.tolist(), found.extra.tolist()

    expected = number(0)
    tables._characters.cache_clear()
    with ThreadPoolExecutor(THREADS) as pool:
        assert all(one == expected for one in pool.map(number, range(THREADS)))
