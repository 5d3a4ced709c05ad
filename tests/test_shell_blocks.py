"""What README and the tutorial tell newcomers to type works as it stands there, and prints what they show."""

import re
from pathlib import Path

import pytest
from shell_blocks import Newcomer, blocks_of, commands_of, missing_lines

ROOT = Path(__file__).resolve().parents[1]
NOT_RUN = {
    "make demo": "takes minutes; its parts are the commands that are run here, and its page is the one of the browser tests",
    "make test": "runs this test",
    "make install": "makes another .venv; continuous integration begins with it, and everything here runs in what it made",
}


@pytest.mark.parametrize("name", ["README.md", "docs/tutorial.md"])
def test_what_newcomers_type_works_and_prints_what_they_are_shown(tmp_path, name):
    faults = []
    with Newcomer(tmp_path, ROOT) as newcomer:
        for block in blocks_of(ROOT / name):
            output = newcomer.run_python(block.text) if block.language == "python" else newcomer.run(_typed(block.text))
            faults += [f"{name}:{block.line} shows {line!r}; printed:\n{output}" for line in missing_lines(block.shown, output)]
    assert not faults, "\n\n".join(faults)


def _typed(text):
    return [line for line in commands_of(text) if line not in NOT_RUN]


def test_the_readme_in_chinese_has_the_same_commands():
    english, chinese = ([commands_of(block.text) for block in blocks_of(ROOT / name)] for name in ("README.md", "README.zh.md"))
    assert english == chinese


def test_what_is_not_run_has_a_reason_and_is_still_written_somewhere():
    written = {line for name in ("README.md", "docs/tutorial.md") for block in blocks_of(ROOT / name) for line in commands_of(block.text)}
    assert set(NOT_RUN) <= written and all(NOT_RUN.values())
    assert {line for line in written if line.startswith("make ")} <= set(NOT_RUN)


def test_every_shell_block_is_one_that_the_test_sees():
    for name in ("README.md", "README.zh.md", "docs/tutorial.md"):
        fences = re.findall(r"^ *(?:```|~~~)(\w*)", (ROOT / name).read_text(encoding="utf-8"), re.M)[::2]
        assert not set(fences) & {"", "bash", "shell", "console"}, f"{name}: write shell blocks as sh, and say what other blocks are"
        assert fences.count("sh") + fences.count("python") == len(blocks_of(ROOT / name))


def test_a_line_that_was_not_printed_is_missing():
    assert missing_lines("one\n...\nthree 3.5 s", "zero\none\ntwo\nthree   3.5 s\n") == []
    assert missing_lines("took ... ms", "took 12.5 ms") == []
    assert missing_lines("three\none", "one\nthree") == ["one"]
