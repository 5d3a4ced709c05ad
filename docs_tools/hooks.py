"""What MkDocs calls while it builds the site."""

import logging
from typing import Any

import jieba
from mkdocs.structure.files import File, Files

from docs_tools.pages import ELSEWHERE, GENERATED, relinked_text
from docs_tools.tables import ROOT


def on_startup(**_asked: Any) -> None:
    """Keep the search's segmenter from telling that it reads its dictionary."""
    jieba.setLogLevel(logging.WARNING)


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that are no files of docs/."""
    for place, write in GENERATED.items():
        files.append(File.generated(config, place, content=write()))
    for source, place in ELSEWHERE.items():
        files.append(File.generated(config, place, content=(ROOT / source).read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, page: Any, **_kept: Any) -> str:
    """The text with links that lead to the same documents inside the site."""
    return relinked_text(markdown, page.file.src_uri)
