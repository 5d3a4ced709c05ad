"""The analyzer of what people write: English stems and codes, Han characters, their pairs and words, words across scripts.

``number_terms`` is the way of a build: kernels find the runs of a whole batch, and Python sees every distinct one once (``numbering.py``).
``index_terms`` says the same of one text by regular expressions, ``tokens`` with places, and ``query_terms`` (``query_analysis.py``) with the
weights of a query; that all of them agree is tested on random texts.
"""

import hashlib
import json
from collections.abc import Generator, Iterator, Set
from functools import lru_cache
from importlib.metadata import version
from typing import TYPE_CHECKING, NamedTuple

from indexer.folding import Folded, fold_keeping_case
from indexer.format import HAN1, HAN2, HANWORD
from indexer.han import Segmenter
from indexer.han_dictionary import dictionary_hash
from indexer.lexicon import Lexicon
from indexer.mixed import MixedWords
from indexer.query_analysis import QueryAnalysis
from indexer.scripts import OVER_SPACE
from indexer.stopwords import CHINESE, ENGLISH
from indexer.tokens import STREAM_HAN1, STREAM_HAN2, STREAM_HANWORD, STREAM_WORD, Finder, IndexTerms, QueryTerm, Token, all_places
from indexer.words import ANY_RUN, ASCII_RUN, WHOLE, Code, Words

if TYPE_CHECKING:
    from indexer.interning import Names
    from indexer.texts import Numbered, Texts

# One more whenever any text may get other terms than before.
RULES = 4


class _Place(NamedTuple):
    """A term in the folded text."""

    term: str
    stream: int
    position: int
    length: int
    start: int
    end: int


class StandardAnalyzer:
    """See the module; thread-safe."""

    name = "standard"

    def __init__(self, lexicon: Lexicon) -> None:
        self._words, self.words = Words(), lexicon.words
        self._segmenter, self._mixed = Segmenter(lexicon), MixedWords(word for word, _ in lexicon.words)
        self._queries = QueryAnalysis(self._words, self._segmenter, self._mixed, ENGLISH | CHINESE | lexicon.stopwords)
        self._finder = lru_cache(256)(self._new_finder)
        libraries = {name: version(name) for name in ("PyStemmer", "OpenCC", "jieba")}
        dictionaries = {"jieba": dictionary_hash(), "lexicon": lexicon.fingerprint}
        self.spec = {"name": self.name, "rules": RULES, "libraries": libraries, "dictionaries": dictionaries}
        self.fingerprint = hashlib.sha256(json.dumps(self.spec, sort_keys=True).encode()).hexdigest()

    def cleaned(self, text: str) -> str:
        return text

    def number_terms(self, texts: "Texts", names: "Names") -> "tuple[Names, Numbered]":
        # What only asks queries never loads the kernels.
        from indexer.numbering import number_terms

        return number_terms(texts, names, self._words, self._segmenter, self._mixed)

    def index_terms(self, text: str) -> IndexTerms:
        if text.isascii() and not self._mixed.ascii:
            sequence, extra = self._index_words(ASCII_RUN.findall(text))
            return IndexTerms(sequence, extra, len(sequence) + len(extra))
        return self._index_runs(fold_keeping_case(text))

    def sequence(self, text: str) -> list[str]:
        """Terms with a position, in order: as ``index_terms(text).sequence``, without the cost of the others."""
        if text.isascii():
            if text.isalpha():
                # Most sides of synonyms are one word.
                entry = self._words[text]
                return list(entry.sequence) if type(entry) is Code else [entry]
            # Letters and spaces alone, as in most others and in queries: three times as fast as the regular expression.
            plain = text.replace(" ", "").isalpha()
            return self._index_words(text.split() if plain else ASCII_RUN.findall(text))[0]
        found: list[str] = []
        for run, word in ANY_RUN.findall(fold_keeping_case(text)):
            if run:
                found += [HAN1 + char for char in run]
            else:
                entry = self._words[word]
                found += entry.sequence if type(entry) is Code else (entry,)
        return found

    def tokens(self, text: str) -> list[Token]:
        folded, found = Folded(text), []
        for place in self._places(folded.text):
            start, end = folded.start(place.start), folded.end(place.end)
            found.append(Token(*place[:4], start, end, text[start:end]))
        return sorted(found, key=lambda token: (token.start, token.position, -token.length, token.stream))

    def query_terms(self, text: str) -> list[QueryTerm]:
        return self._queries.terms(text)

    def occurrences(self, text: str, terms: Set[str], prefixes: tuple[str, ...] = ()) -> list[tuple[int, int, str]]:
        return all_places(self.finder(frozenset(terms), prefixes), text)

    def finder(self, terms: frozenset[str], prefixes: tuple[str, ...] = ()) -> Finder:
        return self._finder(terms, prefixes)

    def _new_finder(self, terms: frozenset[str], prefixes: tuple[str, ...]) -> Finder:
        # Its tables are those of builds; what only analyses queries never loads them.
        from indexer.occurrences import WordFinder

        return WordFinder(self._words, self._mixed, terms, prefixes)

    def _index_words(self, runs: list[str]) -> tuple[list[str], list[str]]:
        """(sequence, extra) of word runs."""
        entries = list(map(self._words.__getitem__, runs))
        if Code not in map(type, entries):
            return entries, []
        codes = [entry for entry in entries if type(entry) is Code]
        sequence: list[str] = []
        for entry in entries:
            if type(entry) is Code:
                sequence += entry.sequence
            else:
                sequence.append(entry)
        return sequence, [term for code in codes for term in code.extra]

    def _index_runs(self, folded: str) -> IndexTerms:
        sequence: list[str] = []
        extra: list[str] = []
        length, words = 0, self._words
        for run, word in ANY_RUN.findall(folded):
            if run:
                sequence += [HAN1 + char for char in run]
                pairs = [HAN2 + a + b for a, b in zip(run, run[1:])]
                extra += pairs
                # A lone character has no pair; it counts, lest a field of one character be taken for an empty one.
                length += len(pairs) or 1
                continue
            entry = words[word]
            if type(entry) is Code:
                sequence += entry.sequence
                extra += entry.extra
                length += len(entry.sequence) + len(entry.extra)
            else:
                sequence.append(entry)
                length += 1
        extra += [HAN2 + a + b for a, b in OVER_SPACE.findall(folded)]
        extra += [HANWORD + folded[start:end] for start, end in self._segmenter.search_words(folded)]
        whole = [term for _, _, term in self._mixed.find(folded)]
        return IndexTerms(sequence, extra + whole, length + len(whole))

    def _places(self, folded: str) -> Iterator[_Place]:
        """Every term with its place, run by run."""
        mixed = list(self._mixed.find(folded))
        # Segmented once: a call of its kernel costs more than a short text.
        ends: dict[int, list[int]] = {}
        for start, end in self._segmenter.search_words(folded):
            ends.setdefault(start, []).append(end)
        over_space = {match.end(): match.start() for match in OVER_SPACE.finditer(folded)}
        position = 0
        positions: dict[int, int] = {}  # where in the text a term begins or ends -> position
        for run in ANY_RUN.finditer(folded):
            if run[1]:
                if run.start() in over_space:
                    start, end = over_space[run.start()], run.start() + 1
                    yield _Place(HAN2 + folded[start] + folded[end - 1], STREAM_HAN2, position - 1, 2, start, end)
                yield from self._han_places(run[1], run.start(), position, ends)
                if mixed:
                    positions |= {run.start() + i: position + i for i in range(len(run[1]) + 1)}
                position += len(run[1])
            else:
                size = yield from self._word_places(run[2], run.start(), position)
                positions |= {run.start(): position, run.end(): position + size}
                position += size
        for start, end, term in mixed:
            yield _Place(term, STREAM_WORD, positions[start], positions[end] - positions[start], start, end)

    def _word_places(self, word: str, at: int, position: int) -> Generator[_Place, None, int]:
        """The places of a word run; returns how many positions it takes."""
        parts = self._words.parts(word)
        positions = 1 + parts[-1].position
        for part in parts:
            length = positions if part.role == WHOLE else 1
            yield _Place(part.term, STREAM_WORD, position + part.position, length, at + part.start, at + part.end)
        return positions

    def _han_places(self, run: str, start: int, position: int, ends: dict[int, list[int]]) -> Iterator[_Place]:
        """The places of a run of characters that begins at ``start``; ``ends`` of words by their start."""
        for i, char in enumerate(run):
            yield _Place(HAN1 + char, STREAM_HAN1, position + i, 1, start + i, start + i + 1)
        for i in range(len(run) - 1):
            yield _Place(HAN2 + run[i : i + 2], STREAM_HAN2, position + i, 2, start + i, start + i + 2)
        for i in range(len(run)):
            for end in ends.get(start + i, ()):
                yield _Place(HANWORD + run[i : end - start], STREAM_HANWORD, position + i, end - start - i, start + i, end)
