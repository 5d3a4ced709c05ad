"""Chinese characters -> how they are said, in letters without tones, and what sounds alike to many speakers.

The readings are pypinyin's. Its file is read without importing the package, which would read a dictionary of phrases of 2.5 MB as well. A word has
the reading of each of its characters that is commonest, and those with another reading of one character: 重庆 is zhongqing and chongqing. Nothing
of this is in an index.
"""

import importlib.util
import unicodedata
from functools import cache, lru_cache
from itertools import product
from pathlib import Path

import orjson

MAX_READINGS = 3  # of a character
MAX_SPELLINGS = 8  # of a word
MAX_NEAR = 64
# Beginnings and ends that speakers of many dialects do not tell apart.
_BEGINNINGS = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("n", "l"), ("h", "f"), ("r", "l"))
_ENDS = (("ang", "an"), ("eng", "en"), ("ing", "in"))


@cache
def _dictionary() -> dict[str, str]:
    """Code point, in decimal -> readings with tones, separated by commas."""
    spec = importlib.util.find_spec("pypinyin")
    assert spec is not None and spec.submodule_search_locations, "pypinyin is a dependency"
    found: dict[str, str] = orjson.loads((Path(spec.submodule_search_locations[0]) / "pinyin_dict.json").read_bytes())
    return found


@lru_cache(maxsize=32_768)
def readings(character: str) -> tuple[str, ...]:
    """Up to three readings of a character, commonest first; none for what is no Chinese character."""
    with_tones = _dictionary().get(str(ord(character)), "")
    return tuple(dict.fromkeys(filter(None, map(_bare, with_tones.split(",")))))[:MAX_READINGS]


def _bare(reading: str) -> str:
    """lǜ -> lv, as it is typed."""
    letters = unicodedata.normalize("NFD", reading).replace("u\u0308", "v")
    return "".join(letter for letter in letters if "a" <= letter <= "z")


def syllables(word: str) -> list[tuple[str, ...]]:
    """The ways to say a word, the commonest first; none if it has characters that cannot be said."""
    choices = [readings(character) for character in word]
    if not choices or not all(choices):
        return []
    first = tuple(choice[0] for choice in choices)
    others = [(*first[:i], other, *first[i + 1 :]) for i, choice in enumerate(choices) for other in choice[1:]]
    return list(dict.fromkeys([first, *others]))[:MAX_SPELLINGS]


@cache
def similar(syllable: str) -> tuple[str, ...]:
    """Syllables that many speakers do not tell from this one, itself first."""
    begun = [syllable]
    for long, short in _BEGINNINGS:
        if syllable.startswith(long):
            begun.append(short + syllable[len(long) :])
        elif syllable.startswith(short):
            begun.append(long + syllable[len(short) :])
    found = dict.fromkeys(begun)
    for one in begun:
        for long, short in _ENDS:
            if one.endswith(long):
                found[one.removesuffix(long) + short] = None
            elif one.endswith(short):
                found[one.removesuffix(short) + long] = None
    return tuple(found)


def near(spoken: tuple[str, ...]) -> list[str]:
    """The letters of a way to say a word and of those that sound alike, itself first, at most 64."""
    choices = [similar(syllable) for syllable in spoken]
    while (product_size := _size(choices)) > MAX_NEAR:
        widest = max(range(len(choices)), key=lambda i: len(choices[i]))
        choices[widest] = choices[widest][:-1]
        assert _size(choices) < product_size
    return ["".join(one) for one in product(*choices)]


def _size(choices: list[tuple[str, ...]]) -> int:
    size = 1
    for choice in choices:
        size *= len(choice)
    return size
