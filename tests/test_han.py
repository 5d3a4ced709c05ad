"""Han segmentation: the same words as jieba's, and no traces left behind."""

import gzip
import itertools
import re
import tempfile
from functools import cache
from pathlib import Path

import jieba
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shared_data import shared

from indexer.folding import fold
from indexer.han import Segmenter
from indexer.lexicon import Lexicon

SEGMENTER = Segmenter()
COMMON = "中国农业发展银行的学生会爱乒乓球拍卖完了一丁龘鿕"


@cache
def oracle():
    """jieba with its dictionary read by us, so that it neither reads nor writes its cache."""
    tokenizer = jieba.Tokenizer()
    tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
    tokenizer.initialized = True
    return tokenizer


def jieba_words(text, mode, model=True):
    """jieba's words of the Han runs of a text."""
    return [
        (m.start() + start, m.start() + end)
        for m in re.finditer("[\u4e00-\u9fd5]+", text)
        for _, start, end in oracle().tokenize(m[0], mode=mode, HMM=model)
    ]


def check(text):
    for model in (True, False):
        assert SEGMENTER.words(text, model) == jieba_words(text, "default", model)
        expected = sorted(word for word in jieba_words(text, "search", model) if word[1] - word[0] > 1)
        assert SEGMENTER.search_words(text, model) == expected


@given(st.one_of(st.text(COMMON + "aカ，", max_size=30), st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), max_size=12)))
def test_words_are_those_of_jieba(text):
    check(text)


@given(st.lists(st.deferred(lambda: st.sampled_from(list(oracle().FREQ))), max_size=6).map("".join))
def test_words_of_dictionary_words_in_a_row_are_those_of_jieba(text):
    check(text)


CHINESE = [
    "corpora/zh-classical-poetry", "corpora/mixed-python-docs-zh-en", "retrieval/zh-cmrc2018", "retrieval/zh-medical-dialogue",
    "retrieval/zh-qbqtc-dev",
]  # fmt: skip


def real_lines(every=1):
    """Folded lines of the Chinese collections that have Han in them, one in ``every``."""
    for name in CHINESE:
        for path in sorted(shared(name).rglob("*.gz")):
            with gzip.open(path, "rt", encoding="utf-8") as lines:
                yield from (fold(line) for line in itertools.islice(lines, 0, None, every))


def test_words_of_real_texts_are_those_of_jieba():
    lines = list(itertools.islice(real_lines(120), 2000))
    assert len(lines) == 2000
    for line in lines:
        check(line)


@pytest.mark.slow
def test_words_of_all_real_texts_are_those_of_jieba():
    """Every mode on 200,000 lines would take jieba an hour; each line has one mode by turns."""
    checked = 0
    for line in real_lines():
        mode, model = (("default", True), ("search", True), ("default", False))[checked % 3]
        found = SEGMENTER.words(line, model) if mode == "default" else SEGMENTER.search_words(line, model)
        expected = jieba_words(line, mode, model)
        assert found == (expected if mode == "default" else sorted(word for word in expected if word[1] - word[0] > 1))
        checked += 1
    assert checked >= 200_000


def test_search_mode_overlaps_with_places():
    run = "中国农业发展银行"
    words = [run[start:end] for start, end in SEGMENTER.search_words(run)]
    assert {"中国", "农业", "发展", "银行"} <= set(words)
    assert words == sorted(words, key=run.index)


def test_a_user_word_stays_with_its_segmenter():
    ours = Segmenter(Lexicon(words=(("乒乓球拍卖", 0),)))
    assert (0, 5) in ours.search_words("乒乓球拍卖")
    assert (0, 5) not in SEGMENTER.search_words("乒乓球拍卖")
    assert not jieba.dt.initialized and not jieba.finalseg.Force_Split_Words


def test_a_word_of_the_user_changes_only_runs_that_have_it():
    ours = Segmenter(Lexicon(words=(("乒乓球拍卖", 0), ("银行的", 50_000))))
    for line in itertools.islice(real_lines(500), 300):
        if "乒乓球拍卖" not in line and "银行的" not in line:
            assert ours.words(line) == SEGMENTER.words(line)


def test_nothing_is_cached_in_shared_temporary_folders():
    before = set(Path(tempfile.gettempdir()).glob("jieba*"))
    Segmenter().words("没有痕迹")
    assert set(Path(tempfile.gettempdir()).glob("jieba*")) == before


def test_a_long_run_takes_linear_time():
    run = "国" * 200_000
    words = SEGMENTER.words(run)
    assert words[-1][1] == len(run)
