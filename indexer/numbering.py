"""Numbers of terms for any analyzer, text by text."""

from array import array

import numpy as np

from indexer.interning import Names, intern
from indexer.strings import pack
from indexer.texts import GAP, Numbered, Texts
from indexer.tokens import Analyzer


class _Vocabulary(dict):
    """term -> number in order of first sight."""

    def __missing__(self, term: str) -> int:
        number = self[term] = len(self)
        return number


def number_one_by_one(analyzer: Analyzer, texts: Texts, names: Names) -> tuple[Names, Numbered]:
    """What ``Analyzer.number_terms`` promises, by ``index_terms``."""
    vocabulary, tokens, extra, ends, extra_ends, lengths = _Vocabulary(), array("i"), array("i"), [0], [0], []
    number = vocabulary.__getitem__
    for first, last in zip(texts.ends[:-1].tolist(), texts.ends[1:].tolist()):
        length = 0
        for i in range(first, last):
            terms = analyzer.index_terms(texts.text(i))
            if terms.sequence and len(tokens) > ends[-1]:
                tokens.append(GAP)
            tokens.extend(map(number, terms.sequence))
            extra.extend(map(number, terms.extra))
            length += terms.length
        ends.append(len(tokens))
        extra_ends.append(len(extra))
        lengths.append(length)
    names, numbers = intern(names, pack(vocabulary))
    numbers = np.append(numbers, np.int32(GAP))
    found = [numbers[np.frombuffer(part, np.int32)] for part in (tokens, extra)]
    return names, Numbered(found[0], np.array(ends), found[1], np.array(extra_ends), np.array(lengths, np.uint32))
