"""The lexicon's files: checked before use."""

import time

import pytest

from indexer.lexicon import LexiconError, lexicon_state, read_lexicon


def test_no_folder_and_no_files_are_an_empty_lexicon(tmp_path):
    assert read_lexicon(None) == read_lexicon(tmp_path)
    assert lexicon_state(None) == ()


def test_words_are_folded_and_comments_skipped(tmp_path):
    (tmp_path / "user.txt").write_text("# ours\n雲原生 120 n\n\nＡＩ助手  # new\n", encoding="utf-8")
    assert read_lexicon(tmp_path).words == (("云原生", 120), ("ai助手", 0))


@pytest.mark.parametrize("line", ["词 1.5", "词 1 2", "词" * 65, "词 " + "9" * 5000, "a\x01b", "，", "词 5 n x", "词\u00a85"])
def test_bad_lines_are_refused_with_their_place(tmp_path, line):
    (tmp_path / "user.txt").write_text(f"好\n{line}\n", encoding="utf-8")
    with pytest.raises(LexiconError, match=r"user.txt, line 2: expected .*found"):
        read_lexicon(tmp_path)


def test_all_bad_lines_are_named_up_to_twenty(tmp_path):
    (tmp_path / "user.txt").write_text("好\n" + "词 1.5\n" * 30, encoding="utf-8")
    with pytest.raises(LexiconError) as error:
        read_lexicon(tmp_path)
    told = str(error.value)
    assert [f"line {n}:" in told for n in (1, 2, 21, 22)] == [False, True, True, False] and "10 more" in told and "\n" not in told


def test_lines_of_jieba_dictionaries(tmp_path):
    (tmp_path / "user.txt").write_text("C#\nF#工具 3\n云原生 n\nＴ恤衫 5 nz # ours\n#nothing\nΣ图\n", encoding="utf-8")
    assert read_lexicon(tmp_path).words == (("c#", 0), ("f#工具", 3), ("云原生", 0), ("t恤衫", 5), ("σ图", 0))


def test_stop_words_do_not_change_what_is_indexed(tmp_path):
    (tmp_path / "stopwords.txt").write_text("报价\n", encoding="utf-8")
    assert read_lexicon(tmp_path).stopwords and read_lexicon(tmp_path).fingerprint == read_lexicon(None).fingerprint


def test_a_hundred_thousand_words_load_in_a_second(tmp_path):
    words = [chr(0x4E00 + i % 20000) + chr(0x4E00 + i * 7 % 20000) + chr(0x4E00 + i // 20000) for i in range(100_000)]
    (tmp_path / "user.txt").write_text("\n".join(words), encoding="utf-8")
    start = time.process_time()
    assert len(read_lexicon(tmp_path).words) > 90_000
    assert time.process_time() - start < 1.0


def test_other_encodings_are_refused(tmp_path):
    (tmp_path / "user.txt").write_bytes("云原生".encode("gbk"))
    with pytest.raises(LexiconError, match="UTF-8"):
        read_lexicon(tmp_path)
