"""What the documents name exists: paths, modules, make targets."""

import re
from pathlib import Path

import pytest

from docs_tools.pages import GENERATED

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [
    ROOT / name
    for name in (
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "indexer/FORMAT.md",
        "README.zh.md",
        *(str(p.relative_to(ROOT)) for p in sorted((ROOT / "docs").rglob("*.md"))),
    )
]
PATH = re.compile(r"`((?:indexer|ranker|searchd|tests|data|benchmarks|docs|scripts)/[\w./-]*)`")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
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
            there = (document.parent / target).resolve()
            written = there.is_relative_to(ROOT / "docs") and str(there.relative_to(ROOT / "docs")) in GENERATED
            assert written or there.exists(), f"{document.name} links to {target}"


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


def test_every_test_that_documents_name_as_proof_exists():
    defined = set(re.findall(r"def (test_\w+)\(", "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").glob("*.py"))))
    named = {test for path in DOCUMENTS for test in re.findall(r"`(test_\w+)`", path.read_text(encoding="utf-8"))}
    assert len(named) > 40 and not named - defined


def test_every_page_has_a_place_in_the_site():
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:")[2]
    for page in sorted((ROOT / "docs").rglob("*.md")):
        name = str(page.relative_to(ROOT / "docs"))
        assert f" {name}\n" in navigation, f"name docs/{name} under nav in mkdocs.yml"
