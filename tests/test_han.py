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


def jieba_words(text, mode):
    """jieba's words of the Han runs of a text."""
    return [
        (m.start() + start, m.start() + end)
        for m in re.finditer("[\u4e00-\u9fd5]+", text)
        for _, start, end in oracle().tokenize(m[0], mode=mode)
    ]


def check(text):
    assert SEGMENTER.words(text) == jieba_words(text, "default")
    assert SEGMENTER.search_words(text) == sorted(word for word in jieba_words(text, "search") if word[1] - word[0] > 1)


@given(st.one_of(st.text(COMMON + "aカ，", max_size=30), st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), max_size=12)))
def test_words_are_those_of_jieba(text):
    check(text)


@given(st.data())
def test_words_of_dictionary_words_in_a_row_are_those_of_jieba(data):
    words = list(oracle().FREQ)
    check("".join(data.draw(st.lists(st.sampled_from(words), max_size=6))))


@pytest.mark.parametrize("corpus", ["corpora/zh-classical-poetry", "corpora/mixed-python-docs-zh-en"])
def test_words_of_real_texts_are_those_of_jieba(corpus):
    with gzip.open(shared(corpus) / "docs.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in itertools.islice(lines, 0, 2000, 20):
            check(fold(line))


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


def test_nothing_is_cached_in_shared_temporary_folders():
    before = set(Path(tempfile.gettempdir()).glob("jieba*"))
    Segmenter().words("没有痕迹")
    assert set(Path(tempfile.gettempdir()).glob("jieba*")) == before


def test_a_long_run_takes_linear_time():
    run = "国" * 200_000
    words = SEGMENTER.words(run)
    assert words[-1][1] == len(run)
