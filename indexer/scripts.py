"""Which characters are words by themselves: scripts written without spaces, as classes of regular expressions.

A run of such characters (Han, kana, Hangul, Thai, Lao, Khmer, Burmese) is indexed character by character, and by pairs of neighbours. Hangul has
spaces, but its words carry endings, which pairs see through. Everything else that is a letter or a digit makes words between spaces.
"""

import re

# Bodies of character classes; ranges by code point.
HAN = "\u4e00-\u9fd5"
UNSPACED = (
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ece\u0edc-\u0edf"  # Thai, Lao
    "\u1000-\u103f\u1050-\u109f\u1100-\u11ff\u1780-\u17d3"  # Burmese, Hangul jamo, Khmer
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035\u303b\u303c"  # Han radicals, iteration marks and numerals
    "\u3041-\u3096\u3099\u309a\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff"  # kana
    "\u3105-\u312f\u3131-\u318e\u31a0-\u31bf\u31f0-\u31ff"  # bopomofo, jamo, kana of Ainu
    "\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97c\uac00-\ud7fb\uf900-\ufaff"  # Han, Hangul
    "\U0001b000-\U0001b16f\U00020000-\U0003ffff"  # old kana, rare Han
)

# Those of the same that are written over the end of a line without a sign: Han, kana and their iteration marks. White space between two of them
# is as often the end of a line as the end of a word, so they are neighbours all the same.
WRAPPED = "\u3005-\u3007\u3041-\u3096\u309d\u309e\u30a1-\u30fa\u30fc-\u30fe\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
OVER_SPACE = re.compile(rf"([{WRAPPED}])[\t-\r ]+(?=([{WRAPPED}]))")

# Marks inside the words of scripts with spaces (Hebrew, Arabic, Indic); Python's \w leaves them out.
MARKS = "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u0900-\u0903\u093a-\u094f"
MARKS += "\u0951-\u0957\u0962\u0963\u0981-\u0983\u09bc-\u09d7\u0a01-\u0a51\u0a81-\u0acd\u0b01-\u0b57\u0b82-\u0bd7\u0c00-\u0c56\u0c81-\u0cd6"
MARKS += "\u0d00-\u0d57\u0d82-\u0ddf"

LETTER = rf"[^\W_{UNSPACED}]"
# The first class is what \w knows; a mark only continues a word.
LETTERS = rf"{LETTER}+(?:[{MARKS}]+{LETTER}*)*"
