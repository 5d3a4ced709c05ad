"""Highlights one text and one character after the other: what the kernels of ``searchd/highlight.py`` have to agree with.

Places are those that analysing all of a text gives; the rest follows the definitions step by step.
"""

import re
from bisect import bisect_left
from collections import Counter
from html import escape
from typing import NamedTuple
from unicodedata import category, name, normalize

from indexer.analysis import STREAM_HAN2, STREAM_HANWORD, STREAM_WORD, stream_of
from indexer.scripts import MARKS, UNSPACED

JOINTS = frozenset("._@&-'’")
_SENTENCE = re.compile(r"[.!?]\s+|[。！？；\n]\s*")
_LETTER, _JOINT = re.compile(rf"[^\W{UNSPACED}]|[\u0300-\u036f{MARKS}]"), frozenset(".@&'’,-")
LONGEST = 200
_JOINER = "\u200d"
_EXTENDING = frozenset("\u200c\u200d\uff9e\uff9f\u0e33\u0eb3") | {
    chr(code) for code in (*range(0x1F3FB, 0x1F400), *range(0xE0020, 0xE0080))
}


class Span(NamedTuple):
    start: int
    end: int
    term: str


def naive_highlights(documents, crop_length=None):
    """The passages of the (text, marker) fields of each document."""
    return [_fields(fields, crop_length) for fields in documents]


def _fields(fields, crop_length):
    spans = [[] for _ in fields]
    for number in range(max((len(marker.levels) for _, marker in fields), default=0)):
        spans = [_spans(text, marker, marker.levels[min(number, len(marker.levels) - 1)]) for text, marker in fields]
        if any(spans):
            break
    return [_shown(text, found, marker.weights, crop_length) for (text, marker), found in zip(fields, spans)]


def naive_occurrences(text, analyzer, terms, prefixes=()):
    """(start, end, term) of the terms, by start."""
    found = [(t.start, t.end, t) for t in analyzer.tokens(text) if t.stream != STREAM_HANWORD]
    begins = [t.stream == STREAM_WORD and bool(prefixes) and t.term.startswith(prefixes) for _, _, t in found]
    return sorted(Span(start, end, t.term) for (start, end, t), begun in zip(found, begins) if begun or t.term in terms)


def _spans(text, marker, level):
    found = naive_occurrences(text, marker._analyzer, level.terms, marker._prefixes)
    if level.whole is not None:
        found = _whole_runs(found, level.whole, marker._free)
    if not level.phrases:
        return found
    return sorted([*found, *(span for sequence in marker._phrases for span in _phrase_spans(text, marker._analyzer, sequence))])


def _phrase_spans(text, analyzer, sequence):
    """The places where the terms of a sequence stand side by side."""
    places = naive_occurrences(text, analyzer, frozenset(sequence))
    starts = [start for start, _, _ in places]
    found = []
    at = 0
    for start, end, term in places:
        if term != sequence[0] or start < at:
            continue
        for wanted in sequence[1:]:
            following = _following(text, analyzer, places, starts, end, wanted)
            if following is None:
                break
            end = following
        else:
            found.append(Span(start, end, f" {' '.join(sequence)} "))
            at = end
    return found


def _following(text, analyzer, places, starts, end, wanted):
    """The end of ``wanted``, when it is the next term behind ``end``."""
    first = bisect_left(starts, end)
    for start, stop, term in places[first : first + 8]:
        if start > starts[first]:
            return None
        if term == wanted:
            return None if analyzer.sequence(text[end:start]) else stop
    return None


def _whole_runs(spans, whole, free):
    """The spans without runs of pairs that hold no pair of ``whole``, and without what is at the edge of a run and part of no word."""
    found = []
    run = []
    for span in spans:
        if stream_of(span.term) != STREAM_HAN2:
            found.append(span)
            continue
        if run and span.start >= run[-1].end:
            found += _solid(run, whole, free)
            run = []
        run.append(span)
    return sorted([*found, *_solid(run, whole, free)])


def _solid(run, whole, free):
    """Pairs that overlap, from the first that is sure to belong to the query to the last."""
    if not any(span.term in whole for span in run):
        return []
    first = next(i for i, span in enumerate(run) if span.term in whole or span.term[1] in free)
    last = next(i for i in range(len(run) - 1, -1, -1) if run[i].term in whole or run[i].term[2:] in free)
    return run[first : last + 1]


def _shown(text, spans, weights, crop_length):
    if crop_length is None or len(text) <= crop_length:
        return _render(text, spans, 0, len(text))
    return _render(text, spans, *best_passage(text, spans, weights, max(1, crop_length)))


def _render(text, spans, start, end):
    """The escaped text of [start, end) with the spans marked; overlapping and touching ones as one."""
    pieces, at = [], start
    for first, last in _merged(text, spans, start, end):
        pieces += [escape(text[at:first]), "<mark>", escape(text[first:last]), "</mark>"]
        at = last
    pieces.append(escape(text[at:end]))
    return "".join(pieces)


def _merged(text, spans, start, end):
    """Spans in [start, end) as marks of whole characters, those that touch or have but a joint between them as one."""
    merged = []
    for span in spans:
        first, last = max(span.start, start), min(span.end, end)
        if first >= last or (merged and last <= merged[-1][1]):
            continue
        floor = merged[-1][1] if merged else start
        first, last = cut_before(text, max(first, floor), floor), cut_after(text, last, end)
        if merged and (first <= floor or (first == floor + 1 and text[floor] in JOINTS)):
            merged[-1] = merged[-1][0], last
        else:
            merged.append((first, last))
    return merged


def best_passage(text, spans, weights, length):
    """(start, end) of the best passage of at most ``length`` characters; spans are by start."""
    first, last = _best_window(_widened(text, spans, length), weights, length) if spans else (0, 0)
    start = max(0, first - (length - (last - first)) // 2)
    end = min(len(text), start + length)
    start = max(0, end - length)
    start = _begin(text, start, first, spans)
    return start, _finish(text, end, max(last, start), start, spans)


def _best_window(spans, weights, length):
    """From the start of one span to the end of another, at most ``length`` apart, covering the most."""
    inside = Counter()
    best, covered, left = (-1.0, 0), 0.0, 0
    window = (spans[0].start, min(spans[0].end, spans[0].start + length))
    for right, span in enumerate(spans):
        covered += 0.0 if inside[span.term] else weights.get(span.term, 0.0)
        inside[span.term] += 1
        while left < right and span.end - spans[left].start > length:
            out = spans[left].term
            inside[out] -= 1
            covered -= 0.0 if inside[out] else weights.get(out, 0.0)
            left += 1
        # Rounded, so that sums in another order stay ties.
        score = (round(covered, 6), right - left + 1)
        if score > best:
            best, window = score, (spans[left].start, min(span.end, spans[left].start + length))
    return window


def _widened(text, spans, length):
    """Spans with the rest of the words and codes they are part of, where these fit into the passage."""
    found = []
    start = end = 0
    for span in spans:
        # A token without end may have thousands of spans, so it is not looked for again.
        if span.start < start or span.end > end:
            start = _token_start(text, span.start, max(0, span.start - LONGEST))
            end = _token_end(text, span.end, min(len(text), span.end + LONGEST))
        found.append(Span(start, end, span.term) if end - start <= length else span)
    return found


def _within_token(text, at):
    """Whether a word or a code goes on from before ``at`` to behind it."""
    if not 0 < at < len(text) or text[at] == " " or text[at - 1] == " ":
        return False
    left, right = _LETTER.match(text, at - 1), _LETTER.match(text, at)
    if left and not right:
        return text[at] in _JOINT and bool(_LETTER.match(text, at + 1))
    if right and not left:
        return at > 1 and text[at - 1] in _JOINT and bool(_LETTER.match(text, at - 2))
    return bool(left)


def _token_start(text, at, floor):
    """Where the token begins that goes on through ``at``; ``at`` when none does."""
    return _back_while(_within_token, text, at, floor)


def _token_end(text, at, ceiling):
    """Where the token ends that goes on through ``at``; ``at`` when none does."""
    return _on_while(_within_token, text, at, ceiling)


def _back_while(holds, text, at, floor):
    """The last place up to ``at`` where something does not hold of the text, but not before ``floor``."""
    while at > floor and holds(text, at):
        at -= 1
    return at


def _on_while(holds, text, at, ceiling):
    """The first place from ``at`` on where something does not hold of the text, but not behind ``ceiling``."""
    while at < ceiling and holds(text, at):
        at += 1
    return at


def _begin(text, start, first, spans):
    """A start not behind ``first``: that of a sentence, a word, a character, and not inside a mark."""
    if 0 < start < first:
        sentence = _SENTENCE.search(text, start - 1, first)
        start = sentence.end() if sentence else _outside(start, [(span.start, span.end) for span in spans if span.end <= first], 1)
        token = _token_end(text, start, first)
        start = cut_after(text, start if _within_token(text, token) else token, first)
    while start < first and text[start].isspace():
        start += 1
    return start


def _finish(text, end, last, start, spans):
    """An end not before ``last``, nor at ``start``: that of a word or a character, and not inside a mark."""
    if end < len(text):
        before = _outside(end, [(span.start, span.end) for span in reversed(spans) if span.start >= last], 0)
        token = _token_start(text, before, last)
        whole = cut_before(text, before if _within_token(text, token) else token, last)
        end = whole if whole > start else cut_before(text, end, start + 1)
    while end > max(last, start + 1) and text[end - 1].isspace():
        end -= 1
    return end


def _outside(at, places, side):
    """``at``, or where the places that it is inside of begin (``side`` 0) or end (1), one after the other."""
    for place in places:
        if place[0] < at < place[1]:
            at = place[side]
    return at


def splits(text, at):
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


def cut_before(text, at, floor=0):
    """The last place to cut that is not behind ``at``, nor before ``floor``."""
    return _back_while(splits, text, at, floor)


def cut_after(text, at, ceiling):
    """The first place to cut that is not before ``at``, nor behind ``ceiling``."""
    return _on_while(splits, text, at, ceiling)


def _is_pair(left, right):
    return "\ud800" <= left <= "\udbff" and "\udc00" <= right <= "\udfff"


def _is_flag(char):
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _flags_before(text, at):
    first = at
    while first > 0 and _is_flag(text[first - 1]):
        first -= 1
    return at - first


def _is_syllable(left, right):
    """Whether jamo go on with a syllable: leading consonant, vowel, trailing consonant; whole syllables may be begun ones too."""
    before, after = _kind_of_jamo(normalize("NFD", left)[-1]), _kind_of_jamo(normalize("NFD", right)[0])
    return (before, after) in {
        ("CHOSEONG", "CHOSEONG"), ("CHOSEONG", "JUNGSEONG"), ("JUNGSEONG", "JUNGSEONG"), ("JUNGSEONG", "JONGSEONG"), ("JONGSEONG", "JONGSEONG"),
    }  # fmt: skip


def _kind_of_jamo(char):
    """CHOSEONG (leading consonant), JUNGSEONG (vowel), JONGSEONG (trailing consonant), or None for anything else."""
    words = name(char, "").split()
    return words[1] if words[:1] == ["HANGUL"] and words[1] in ("CHOSEONG", "JUNGSEONG", "JONGSEONG") else None
