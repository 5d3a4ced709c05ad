"""The lexicon's files: checked before use."""

import pytest

from indexer.lexicon import LexiconError, lexicon_state, read_lexicon


def test_no_folder_and_no_files_are_an_empty_lexicon(tmp_path):
    assert read_lexicon(None) == read_lexicon(tmp_path)
    assert lexicon_state(None) == ()


def test_words_are_folded_and_comments_skipped(tmp_path):
    (tmp_path / "words.txt").write_text("# ours\n雲原生 120 n\n\nＡＩ助手  # new\n", encoding="utf-8")
    assert read_lexicon(tmp_path).words == (("云原生", 120), ("ai助手", 0))


@pytest.mark.parametrize("line", ["词 many", "词" * 65, "词 " + "9" * 5000, "a\x01b"])
def test_bad_lines_are_refused_with_their_place(tmp_path, line):
    (tmp_path / "words.txt").write_text(f"好\n{line}\n", encoding="utf-8")
    with pytest.raises(LexiconError, match=r"words.txt, line 2"):
        read_lexicon(tmp_path)


def test_other_encodings_are_refused(tmp_path):
    (tmp_path / "words.txt").write_bytes("云原生".encode("gbk"))
    with pytest.raises(LexiconError, match="UTF-8"):
        read_lexicon(tmp_path)
