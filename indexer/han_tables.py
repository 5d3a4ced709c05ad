"""jieba's dictionary, its model and the words of a user as the tables of ``han_kernels.py``, in one mapped file that all processes share.

Reading the dictionary and filling the trie takes a few tenths of a second, and the tables 17 MB: so the first process of a user leaves them in the
user's own cache folder, under a name that is a hash of the dictionary, of the user's words and of this program, and later ones map the file
(``table_cache.py``), if nobody else may write to the folder. Where there is no folder to write to, every process has tables of its own.
"""

import hashlib
import json
import math
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from indexer.han_dictionary import dictionary_hash, dictionary_path
from indexer.han_kernels import FIRST, LAST, NOTHING, Tables, add_words, sieve_of, sufficient
from indexer.jit import cache_directory, sources_hash
from indexer.table_cache import SUFFIX, cached, is_ours, keep

# Slots of the trie's table: just enough for jieba's half a million nodes; it is doubled for what needs more.
FIRST_SIZE = 1 << 20
# In the order of han_kernels.B, E, M, S.
STATES = "BEMS"
# Tables of former dictionaries and lexicons that stay in the cache.
KEPT_FILES = 4


def load_tables(words: Sequence[tuple[str, int]] = ()) -> Tables:
    """The tables of jieba's dictionary and of a user's Han words with their frequencies (0 = high enough to be a word of its own)."""
    folder = _cache_folder()
    if folder is None:
        return _tables(_make(words))
    path = folder / f"{_key(words)}{SUFFIX}"
    arrays = cached(path)
    if arrays is None:
        try:
            keep(path, _make(words), f"*{SUFFIX}", KEPT_FILES)
        except OSError:
            return _tables(_make(words))
        arrays = cached(path)
    return _tables(_make(words) if arrays is None else arrays)


def no_tables() -> Tables:
    """For texts without Han: jieba's dictionary need not be read."""
    return _without_model(np.zeros((2, 2), np.uint64), 0.0)


def _without_model(rows: np.ndarray, unknown: float) -> Tables:
    return Tables(*_columns(rows), *_shortcuts(rows), unknown, np.zeros(0), np.zeros((0, 0)), np.zeros((0, 0)))


def _tables(arrays: dict[str, np.ndarray]) -> Tables:
    shortcuts = arrays["roots"], arrays["sieve"]
    return Tables(*_columns(arrays["rows"]), *shortcuts, float(arrays["unknown"][0]), arrays["starts"], arrays["moves"], arrays["emits"])


def _make(words: Sequence[tuple[str, int]]) -> dict[str, np.ndarray]:
    found, freqs = _dictionary()
    # jieba's total, without the user's words: what a word of the user does not touch is segmented as without it.
    log_total = math.log(int(freqs.sum()))
    groups = [(*_packed(found), _weights(freqs, log_total))]
    rows = _trie(groups)
    if words:
        chars, ends = _packed([word for word, _ in words])
        freqs = np.array([freq for _, freq in words], np.int64)
        sufficient(chars, ends, _without_model(rows, -log_total), freqs)
        rows = _trie([*groups, (chars, ends, _weights(freqs, log_total))])
    starts, moves, emits = _model()
    roots, sieve = _shortcuts(rows)
    unknown = np.array([-log_total])
    return {"rows": rows, "roots": roots, "sieve": sieve, "unknown": unknown, "starts": starts, "moves": moves, "emits": emits}


def _trie(groups: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> np.ndarray:
    """A table of all words, uint64[size, 2]; each group: code points, where each word ends, weights."""
    size, edges = FIRST_SIZE // 2, 0
    while not edges:
        size *= 2
        rows = np.zeros((size, 2), np.uint64)
        keys, values = _columns(rows)
        values[:] = NOTHING
        for group in groups:
            edges = add_words(*group, keys, values, edges)
            if not edges:
                break
    return rows


def _columns(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(keys, values) side by side in memory, as views."""
    return rows[:, 0], rows.view(np.float64)[:, 1]


def _shortcuts(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(roots, sieve) of a trie's table."""
    slots = np.flatnonzero(rows[:, 0])
    nodes, chars = rows[slots, 0] >> np.uint64(32), rows[slots, 0] & np.uint64(0xFFFFFFFF)
    roots = np.zeros(1 << 16, np.int32)
    first = (nodes == 0) & (chars < len(roots))
    roots[chars[first]] = slots[first] + 1
    return roots, sieve_of(rows[:, 0])


def _dictionary() -> tuple[list[str], np.ndarray]:
    """Words and frequencies of jieba's dictionary."""
    columns = dictionary_path().read_text(encoding="utf-8").split()
    return columns[0::3], np.array(list(map(int, columns[1::3])), np.int64)


def _packed(words: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """(code points of all words, where each ends)."""
    ends = np.cumsum(np.fromiter(map(len, words), np.int64, len(words)))
    return np.frombuffer("".join(words).encode("utf-32-le"), np.uint32), ends


def _weights(freqs: np.ndarray, log_total: float) -> np.ndarray:
    # math.log, as jieba: NumPy's may differ in the last bit. A word of frequency 0 is none.
    distinct, places = np.unique(freqs, return_inverse=True)
    return np.array([math.log(freq) - log_total if freq else NOTHING for freq in distinct.tolist()])[places]


def _model() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """jieba's hidden Markov model: log probabilities to start, to move and to emit, by state."""
    from jieba.finalseg import prob_emit, prob_start, prob_trans

    starts = np.array([prob_start.P[state] for state in STATES])
    moves = np.array([[prob_trans.P[a].get(b, NOTHING) for b in STATES] for a in STATES])
    emits = np.full((len(STATES), LAST - FIRST + 1), NOTHING)
    for row, state in zip(emits, STATES):
        for char, probability in prob_emit.P[state].items():
            if FIRST <= ord(char) <= LAST:
                row[ord(char) - FIRST] = probability
    return starts, moves, np.ascontiguousarray(emits.T)


def _key(words: Sequence[tuple[str, int]]) -> str:
    content = json.dumps([dictionary_hash(), sorted(words), sources_hash(Path(__file__))])
    return hashlib.sha256(content.encode()).hexdigest()[:32]


def _cache_folder() -> Path | None:
    """The user's own folder for tables; None when there is none that only the user may write to."""
    folder = cache_directory().parent / "dictionaries"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError:
        return None
    return folder if is_ours(folder) and os.access(folder, os.W_OK | os.X_OK) else None
