"""Where a text may be cut: between characters as people see them, which may be several code points.

A base with its combining marks, emoji joined or with a skin tone, two letters that are a flag, jamo that are a syllable, CR LF, and two surrogates
that belong together stay together (Unicode's annex 29, but for prepended signs and Indic conjuncts).
"""

from unicodedata import category

_JOINER = "\u200d"
# Extending characters that are no marks: joiners, half-width sound marks, Thai and Lao AM, skin tones, tags.
_EXTENDING = frozenset("\u200c\u200d\uff9e\uff9f\u0e33\u0eb3") | {
    chr(code) for code in (*range(0x1F3FB, 0x1F400), *range(0xE0020, 0xE0080))
}
_LEADING, _VOWEL, _TRAILING = range(3)


def splits(text: str, at: int) -> bool:
    """Whether a cut at ``at`` goes through a character as people see it."""
    if not 0 < at < len(text):
        return False
    left, right = text[at - 1], text[at]
    if right < "\u0300":
        return left == "\r" and right == "\n"
    if right in _EXTENDING or category(right)[0] == "M":
        return left not in "\r\n"
    if left == _JOINER:
        return category(right) == "So"
    return _is_pair(left, right) or _is_syllable(left, right) or (_is_flag(left) and _is_flag(right) and _flags_before(text, at) % 2 == 1)


def cut_before(text: str, at: int, floor: int = 0) -> int:
    """The last place to cut that is not behind ``at``, nor before ``floor``."""
    while at > floor and splits(text, at):
        at -= 1
    return at


def cut_after(text: str, at: int, ceiling: int) -> int:
    """The first place to cut that is not before ``at``, nor behind ``ceiling``."""
    while at < ceiling and splits(text, at):
        at += 1
    return at


def _is_pair(left: str, right: str) -> bool:
    return "\ud800" <= left <= "\udbff" and "\udc00" <= right <= "\udfff"


def _is_flag(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _flags_before(text: str, at: int) -> int:
    first = at
    while first > 0 and _is_flag(text[first - 1]):
        first -= 1
    return at - first


def _is_syllable(left: str, right: str) -> bool:
    """Whether jamo go on with a syllable: leading consonant, vowel, trailing consonant; whole syllables may be begun ones too."""
    before, after = _jamo(left), _jamo(right)
    if before is None or after is None:
        return False
    if before[-1] == _LEADING:
        return after[0] != _TRAILING
    return after[0] == _TRAILING or (after[0] == _VOWEL and before[-1] == _VOWEL)


def _jamo(char: str) -> tuple[int, ...] | None:
    """What a character of Hangul is made of, None for any other."""
    code = ord(char)
    if 0xAC00 <= code <= 0xD7A3:
        return (_LEADING, _VOWEL) if (code - 0xAC00) % 28 == 0 else (_LEADING, _VOWEL, _TRAILING)
    if 0x1100 <= code <= 0x115F or 0xA960 <= code <= 0xA97C:
        return (_LEADING,)
    if 0x1160 <= code <= 0x11A7 or 0xD7B0 <= code <= 0xD7C6:
        return (_VOWEL,)
    if 0x11A8 <= code <= 0x11FF or 0xD7CB <= code <= 0xD7FB:
        return (_TRAILING,)
    return None
