"""Which pages the site has beside the files of docs/, and where links between documents lead inside it."""

import posixpath
import re

from docs_tools.commands import commands_page
from docs_tools.routes import routes_page
from docs_tools.tables import errors_page, features_page, settings_page

GENERATED = {
    "reference/commands.md": commands_page,
    "reference/routes.md": routes_page,
    "reference/settings.md": settings_page,
    "reference/features.md": features_page,
    "reference/errors.md": errors_page,
}
# Place in the repository -> place in the site, for what stands outside of docs/.
ELSEWHERE = {
    "ARCHITECTURE.md": "architecture.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "indexer/FORMAT.md": "format.md",
    "benchmarks/README.md": "benchmarks.md",
}
_IN_SITE = ELSEWHERE | {"README.md": "index.md"}
_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\((?!https?:|#|mailto:)([^)#\s]+)(#[^)\s]*)?\)")


def relinked_text(markdown: str, place: str) -> str:
    """The text of the page ``place`` with its links as they must be in the site; what the site does not have stays as text."""
    source = next((one for one, there in ELSEWHERE.items() if there == place), f"docs/{place}")
    return _LINK.sub(lambda link: _relinked(link, source, place), markdown)


def _relinked(link: re.Match[str], source: str, place: str) -> str:
    """One link of the document ``source``, as it must stand in the page ``place``."""
    text, target, anchor = link[1], link[2], link[3] or ""
    meant = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
    there = _IN_SITE.get(meant) or (meant.removeprefix("docs/") if meant.startswith("docs/") else None)
    if there is None:
        return text
    return f"[{text}]({posixpath.relpath(there, posixpath.dirname(place) or '.')}{anchor})"
