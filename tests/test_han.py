"""Han segmentation: the same words as jieba's, and no traces left behind."""

import tempfile
from pathlib import Path

import jieba
from hypothesis import given
from hypothesis import strategies as st

from indexer.han import Segmenter
from indexer.lexicon import Lexicon

SEGMENTER = Segmenter()


def test_search_mode_overlaps_with_places():
    run = "中国农业发展银行"
    words = [run[start:end] for start, end in SEGMENTER.search_words(run)]
    assert {"中国", "农业", "发展", "银行"} <= set(words)
    assert words == sorted(words, key=run.index)


@given(st.text("中国农业发展银行的学生会爱乒乓球拍卖完了カ한", max_size=20))
def test_words_tile_the_han_parts(run):
    covered = [i for start, end in SEGMENTER.words(run) for i in range(start, end)]
    assert covered == [i for i, char in enumerate(run) if "\u4e00" <= char <= "\u9fd5"]


def test_a_user_word_stays_with_its_segmenter():
    ours = Segmenter(Lexicon(words=(("乒乓球拍卖", 0),)))
    assert (0, 5) in ours.search_words("乒乓球拍卖")
    assert (0, 5) not in SEGMENTER.search_words("乒乓球拍卖")
    assert not jieba.dt.initialized and not jieba.finalseg.Force_Split_Words


def test_nothing_is_cached_in_shared_temporary_folders():
    before = set(Path(tempfile.gettempdir()).glob("jieba*"))
    Segmenter().words("没有痕迹")
    assert set(Path(tempfile.gettempdir()).glob("jieba*")) == before


def test_runs_without_end_are_cut():
    assert len(SEGMENTER.words("国" * 5000)) >= 3
