"""Where a text may be cut: between characters as people see them, which may be several code points.

A base with its combining marks, emoji joined or with a skin tone, two letters that are a flag, jamo that are a syllable, CR LF, and two surrogates
that belong together stay together (Unicode's annex 29, but for prepended signs and Indic conjuncts).
"""

from indexer.code_points import codes_of
from indexer.jit import inlined, kernel
from searchd.shapes import (
    BEGINS_LEADING,
    BEGINS_TRAILING,
    BEGINS_VOWEL,
    ENDS_LEADING,
    ENDS_TRAILING,
    ENDS_VOWEL,
    EXTENDS,
    FLAG,
    HIGH,
    LOW,
    SYMBOL,
    shapes,
)

_RETURN, _LINE_FEED, _JOINER, _FIRST_MARK = 0x0D, 0x0A, 0x200D, 0x0300


@inlined
def _is_syllable(left, right):
    """Whether jamo go on with a syllable: leading consonant, vowel, trailing consonant; whole syllables may be begun ones too."""
    if left & ENDS_LEADING:
        return right & (BEGINS_LEADING | BEGINS_VOWEL) != 0
    return (left & (ENDS_VOWEL | ENDS_TRAILING) and right & BEGINS_TRAILING) or (left & ENDS_VOWEL and right & BEGINS_VOWEL)


@inlined
def _flags_before(codes, first, at, shapes):
    flag = at
    while flag > first and shapes[codes[flag - 1]] & FLAG:
        flag -= 1
    return at - flag


@kernel
def splits(codes, first, stop, at, shapes):
    """Whether a cut at ``at`` goes through a character, as people see it, of the text [first, stop); ``shapes`` see ``shapes.py``."""
    if not first < at < stop:
        return False
    before, behind = codes[at - 1], codes[at]
    if behind < _FIRST_MARK:
        return before == _RETURN and behind == _LINE_FEED
    left, right = shapes[before], shapes[behind]
    if right & EXTENDS:
        return before != _RETURN and before != _LINE_FEED
    if before == _JOINER:
        return right & SYMBOL != 0
    if (left & HIGH and right & LOW) or _is_syllable(left, right):
        return True
    return left & FLAG and right & FLAG and _flags_before(codes, first, at, shapes) % 2 == 1


@kernel
def cut_before(codes, first, stop, at, floor, shapes):
    """The last place to cut that is not behind ``at``, nor before ``floor``."""
    while at > floor and splits(codes, first, stop, at, shapes):
        at -= 1
    return at


@kernel
def cut_after(codes, first, stop, at, ceiling, shapes):
    """The first place to cut that is not before ``at``, nor behind ``ceiling``."""
    while at < ceiling and splits(codes, first, stop, at, shapes):
        at += 1
    return at


def shortened(text: str, most: int, ceiling: int) -> str:
    """The first ``most`` code points of a longer text, more where they end inside a character, but no more than ``ceiling``."""
    codes = codes_of(text[: ceiling + 1])
    return text[: cut_after(codes, 0, len(codes), most, min(ceiling, len(text)), shapes().of(codes))]
