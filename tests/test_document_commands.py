"""Commands that documents show are commands of the programs, with options that they have."""

import re
import shlex
from pathlib import Path

import click
import pytest

from docs_tools.commands import programs

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "README.zh.md", *(ROOT / "docs").rglob("*.md")])
_INVOCATION = re.compile(r"(?<![\w/.-])((?:indexer|searchd|ranker) [a-z][^`|\n]*)")
_SHOWN = re.compile(r"^```\w*\n(.*?)^```$|`((?:indexer|searchd|ranker) [^`\n]+)`", re.M | re.S)


def invocations(text):
    """The command lines in code of a document, without comments and what is redirected."""
    for shown in _SHOWN.finditer(text):
        for line in (shown[1] or shown[2]).replace("\\\n", " ").splitlines():
            if found := _INVOCATION.search(re.sub(r"(^|\s+)#.*", "", line)):
                yield re.split(r"\s[<>&)]|\s2>|\)$", found[1])[0]


def fault_of(line):
    """What is wrong with a command line; None when its command and options exist."""
    words = shlex.split(line)
    command = programs()[words[0]]
    for word in words[1:]:
        if not isinstance(command, click.Group) or "|" in word:
            break
        if word not in command.commands:
            return f"{line!r}: no command {word!r}"
        command = command.commands[word]
    known = {name for part in command.params for name in (*part.opts, *part.secondary_opts)} | {"--help", "-h"}
    unknown = [word for word in words if word.startswith("--") and word.partition("=")[0] not in known]
    return f"{line!r}: no option {unknown}" if unknown else None


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_of_documents_exist(document):
    faults = [fault for line in invocations(document.read_text(encoding="utf-8")) if (fault := fault_of(line))]
    assert not faults


def test_commands_are_found_and_wrong_ones_noticed():
    text = "```sh\nranker train --family x --nothing   # remark\nA=$(searchd keys create --home var)\n```\nand `indexer bild` here"
    assert [fault_of(line) is None for line in invocations(text)] == [False, True, False]
    assert sum(len(list(invocations(path.read_text(encoding="utf-8")))) for path in DOCUMENTS) > 100
