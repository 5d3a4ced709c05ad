"""What kernels find in texts before the terms of word runs are known: items, which become terms by ``expand``.

An item is the number of a word run, or ~number of a Han character's term; beside them stand numbers of terms that take no position.
"""

from typing import NamedTuple

import numpy as np

from indexer.jit import inlined, kernel
from indexer.texts import GAP, Numbered

_ITEMS, _BESIDE, _LENGTH = 0, 1, 2


class Found(NamedTuple):
    """Lists that grow: ``items`` int32, terms ``beside`` them int32; ``sizes`` int64[3]: their sizes, and what Han runs and mixed words of this text
    are for BM25."""

    items: np.ndarray
    beside: np.ndarray
    sizes: np.ndarray


class Items(NamedTuple):
    """Those of text i are ``items[ends[i]:ends[i + 1]]`` and ``beside[beside_ends[i]:beside_ends[i + 1]]``; ``lengths`` uint32: what its Han runs and
    mixed words are for BM25."""

    items: np.ndarray
    ends: np.ndarray
    beside: np.ndarray
    beside_ends: np.ndarray
    lengths: np.ndarray


class Groups(NamedTuple):
    """Group i of numbers is ``numbers[ends[i]:ends[i + 1]]``; int32, int64."""

    numbers: np.ndarray
    ends: np.ndarray


@inlined
def add_item(found, item):
    """Append an item; there is room."""
    n = found.sizes[_ITEMS]
    found.items[n] = item
    found.sizes[_ITEMS] = n + 1


@inlined
def add_beside(found, number):
    """Append a term beside the items; there is room."""
    n = found.sizes[_BESIDE]
    found.beside[n] = number
    found.sizes[_BESIDE] = n + 1


@inlined
def add_length(found, more):
    """Let the text be so much longer for BM25."""
    found.sizes[_LENGTH] += more


@kernel
def new_found():
    """Nothing."""
    return Found(np.empty(1024, np.int32), np.empty(1024, np.int32), np.zeros(3, np.int64))


@kernel
def _longer(array, used, more):
    """The array, or a longer one with its first ``used`` numbers, so that ``more`` fit behind them."""
    if used + more <= len(array):
        return array
    longer = np.empty(2 * (used + more), array.dtype)
    longer[:used] = array[:used]
    return longer


@inlined
def has_space(found, items, beside):
    """Whether there is room for so many items, and terms beside them."""
    sizes = found.sizes
    return sizes[_ITEMS] + items <= len(found.items) and sizes[_BESIDE] + beside <= len(found.beside)


@kernel
def with_space(found, items, beside):
    """The same, or longer, so that ``has_space``."""
    sizes = found.sizes
    return Found(_longer(found.items, sizes[_ITEMS], items), _longer(found.beside, sizes[_BESIDE], beside), sizes)


@kernel
def new_items(count):
    """For so many texts; ``end_text`` puts the first ends."""
    none = np.empty(0, np.int32)
    return Items(none, np.zeros(count + 1, np.int64), none, np.zeros(count + 1, np.int64), np.empty(count, np.uint32))


@inlined
def end_text(found, text, items):
    """Note where the lists of a text end, and begin to count the length of the next one."""
    sizes = found.sizes
    items.ends[text + 1], items.beside_ends[text + 1], items.lengths[text] = sizes[_ITEMS], sizes[_BESIDE], sizes[_LENGTH]
    sizes[_LENGTH] = 0


@kernel
def items_of(found, items):
    """``items`` of all texts with their lists."""
    sizes = found.sizes
    return Items(found.items[: sizes[_ITEMS]], items.ends, found.beside[: sizes[_BESIDE]], items.beside_ends, items.lengths)


@inlined
def _copy(numbers, start, stop, to, n):
    """Copy numbers[start:stop] to ``to`` from ``n`` on; returns where they end."""
    for i in range(start, stop):
        to[n] = numbers[i]
        n += 1
    return n


@inlined
def _expand_text(items, text, sequences, beside, terms, n, e):
    """Write a text's terms from ``n`` on and the others from ``e`` on: (where they end, where those end, length for BM25)."""
    length = np.int64(items.lengths[text])
    for i in range(items.ends[text], items.ends[text + 1]):
        item = items.items[i]
        if item < 0:
            terms.tokens[n] = ~item
            n += 1
            continue
        first, other = n, e
        n = _copy(sequences.numbers, sequences.ends[item], sequences.ends[item + 1], terms.tokens, n)
        e = _copy(beside.numbers, beside.ends[item], beside.ends[item + 1], terms.extra, e)
        length += n - first + e - other
    e = _copy(items.beside, items.beside_ends[text], items.beside_ends[text + 1], terms.extra, e)
    return n, e, length


@kernel
def expand(text_ends, items, sequences, beside, terms):
    """Items -> terms: run r stands for group r of ``sequences``, and that of ``beside`` are its extra terms. Fills ``terms`` (``texts.Numbered``);
    returns how many there are, and how many extra ones."""
    n, e = 0, 0
    terms.ends[0], terms.extra_ends[0] = 0, 0
    for doc in range(len(terms.lengths)):
        length = 0
        for text in range(text_ends[doc], text_ends[doc + 1]):
            if n > terms.ends[doc] and items.ends[text + 1] > items.ends[text]:
                terms.tokens[n] = GAP
                n += 1
            n, e, more = _expand_text(items, text, sequences, beside, terms, n, e)
            length += more
        terms.ends[doc + 1], terms.extra_ends[doc + 1], terms.lengths[doc] = n, e, length
    return n, e


def terms_of(text_ends: np.ndarray, items: Items, sequences: Groups, beside: Groups) -> Numbered:
    """The terms of documents whose texts end so, by ``expand``."""
    runs, num_docs = items.items[items.items >= 0], len(text_ends) - 1
    # Between two texts of a document there may be a gap.
    num_tokens = len(items.items) + len(items.lengths) + int((np.diff(sequences.ends) - 1)[runs].sum())
    num_extra = len(items.beside) + int(np.diff(beside.ends)[runs].sum())
    found = Numbered(
        np.empty(num_tokens, np.int32), np.zeros(num_docs + 1, np.int64),
        np.empty(num_extra, np.int32), np.zeros(num_docs + 1, np.int64), np.empty(num_docs, np.uint32),
    )  # fmt: skip
    n, e = expand(text_ends, items, sequences, beside, found)
    return found._replace(tokens=found.tokens[:n], extra=found.extra[:e])
