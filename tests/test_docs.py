"""What the documents name exists: paths, modules, make targets."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [
    ROOT / name
    for name in (
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "indexer/FORMAT.md",
        *(str(p.relative_to(ROOT)) for p in sorted((ROOT / "docs").glob("*.md"))),
    )
]
PATH = re.compile(r"`((?:indexer|ranker|searchd|tests|data|benchmarks|docs|scripts)/[\w./-]*)`")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: p.name)
def test_paths_named_in_documents_exist(document):
    missing = [path for path in PATH.findall(document.read_text(encoding="utf-8")) if not (ROOT / path).exists()]
    assert not missing, f"{document.name} names what is not there: {missing}"


def test_make_targets_named_in_documents_exist():
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.M))
    for document in DOCUMENTS:
        for target in re.findall(r"`make ([\w-]+)`", document.read_text(encoding="utf-8")):
            assert target in targets, f"{document.name} names make {target}"


def test_links_between_documents_lead_somewhere():
    for document in DOCUMENTS:
        for target in re.findall(r"\]\((?!https?://|#)([^)#\s]+)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"


def test_every_dependency_is_justified():
    listed = (ROOT / "docs/dependencies.md").read_text().lower()
    setup = (ROOT / "setup.cfg").read_text()
    required = re.search(r"install_requires =\n((?: {4}\S.*\n)+)", setup).group(1)
    for line in required.split():
        name = re.match(r"[\w-]+", line).group(0).lower()
        assert f"| {name} |" in listed, f"{name} has no line in docs/dependencies.md"


def test_every_module_has_a_room_in_the_architecture():
    architecture = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    modules = [path for package in ("indexer", "ranker", "searchd") for path in sorted((ROOT / package).glob("*.py"))]
    homeless = [
        str(path.relative_to(ROOT))
        for path in modules
        if not path.name.startswith("__") and f"`{path.relative_to(ROOT)}`" not in architecture
    ]
    assert not homeless, f"ARCHITECTURE.md has no room for {homeless}"


def test_every_complaint_in_the_table_has_its_test_and_the_other_way():
    named = set(re.findall(r"`(test_complaint_\w+)`", (ROOT / "docs" / "text.md").read_text(encoding="utf-8")))
    defined = set(re.findall(r"def (test_complaint_\w+)\(", (ROOT / "tests" / "test_complaints.py").read_text(encoding="utf-8")))
    assert named == defined and defined
