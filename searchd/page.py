"""A search result to what the page shows: titles, links, passages, reasons, pages, filters; everything a template needs and no HTML of a document.

Which fields are shown: the title is the field ``title``, else the first text field; the link is the field ``url`` when it is http or https, else
the document's own page under ``/document/``. The passage is the best highlighted text field that is not the title.
"""

import hashlib
import hmac
import html
import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote, unquote, urlencode, urlsplit

from markupsafe import Markup, escape

from indexer.schema import Schema

MAX_TITLE = 160
MAX_PASSAGE = 320
_MARKED = re.compile(r"<mark>(.*?)</mark>", re.S)
_ONLY_MARKS = re.compile(r"[^<>]*(?:<mark>[^<>]*</mark>[^<>]*)*")
_CONTROL = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_LEFTOVER = re.compile(r"^[\s,.;:!?)\]}，。、；：！？）】」』]+")
# Characters that turn the direction of what follows them: a title must not reorder the page around it.
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")


class ShownHit(NamedTuple):
    """One result as the page shows it; ``link`` logs the click and leads on, ``target`` is where it leads.

    ``why`` is the address of what its place is made of, ``similar`` that of documents like it.
    """

    id: str
    rank: int
    title: Markup
    link: str
    target: str
    crumbs: list[str]
    passage: Markup
    badges: list[str]
    why: str
    similar: str


def safe_highlight(text: object) -> Markup:
    """Highlighted text as markup. What holds anything but ``<mark>`` is escaped as a whole: the page trusts no other tag, whoever wrote it."""
    text = _BIDI.sub("", str(text))
    return Markup(text) if _ONLY_MARKS.fullmatch(text) else escape(text)


def plain(text: object, length: int) -> str:
    """Text of a document on one line, cut at ``length`` characters."""
    line = " ".join(_BIDI.sub("", _CONTROL.sub(" ", str(text))).split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def isolated(text: str) -> str:
    """Text for the middle of a sentence, which it must not turn around if it runs from right to left (Unicode's isolates).

    Its own marks of direction go: one that ends an isolate would end this one.
    """
    return f"\u2068{_BIDI.sub('', text)}\u2069"


def field_label(name: str) -> str:
    """A field's name for people."""
    return plain(name.replace("_", " "), 24)


def field_text(value: object) -> str:
    """A field's value as text: the parts of a list one after the other."""
    if isinstance(value, list | tuple):
        return " · ".join(field_text(part) for part in value)
    return "" if value is None else str(value)


def title_field(schema: Schema, document: dict[str, Any]) -> str | None:
    """The field that is shown as the title."""
    names = ["title", *(field.name for field in schema.text_fields)]
    return next((name for name in names if isinstance(document.get(name), str | list) and field_text(document[name]).strip()), None)


def safe_url(document: dict[str, Any]) -> str | None:
    """The document's own address, when a browser may be sent there: http or https, with a host, without spaces or credentials."""
    url = document.get("url")
    if not isinstance(url, str) or len(url) > 2048 or _CONTROL.search(url) or "\\" in url:
        return None
    try:
        parts = urlsplit(url.strip())
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return None
    return quote(url.strip(), safe="!#$%&'()*+,/:;=?@[]~") if usable else None


def document_path(key: str) -> str:
    """The path of a document's page. Browsers fold ``.`` and ``..`` away, so such ids travel in the query string."""
    if any(part in ("", ".", "..") for part in key.split("/")):
        return f"/document/?{urlencode({'id': key})}"
    return f"/document/{quote(key, safe='/')}"


def crumbs(key: str, document: dict[str, Any]) -> list[str]:
    """Where a document lives, as few readable words: host and path, or its id."""
    url = safe_url(document)
    if url is None:
        return [plain(key, 80)]
    parts = urlsplit(url)
    path = [plain(unquote(part), 40) for part in parts.path.split("/") if part]
    if len(path) > 3:
        path = [path[0], "…", path[-1]]
    return [parts.netloc.removeprefix("www."), *path]


def click_signature(secret: bytes, query_id: str, key: str, position: int) -> str:
    """What makes a click link genuine: without it, any page could send a reader here and have a click counted."""
    message = f"{query_id}\n{position}\n{key}".encode("utf-8", "replace")
    return hmac.digest(secret, b"searchd.click" + message, hashlib.sha256).hex()[:32]


def click_link(secret: bytes, query_id: str, key: str, position: int) -> str:
    """The link that logs a click and leads on, for readers without JavaScript."""
    signature = click_signature(secret, query_id, key, position)
    return f"/click?{urlencode({'query_id': query_id, 'id': key, 'position': position, 's': signature})}"


def highlighted(highlights: dict[str, Any], name: str | None) -> Markup | None:
    """A field's highlighted passages as one, when something in them is marked."""
    value = highlights.get(name) if name else None
    texts = [value] if isinstance(value, str) else list(value or ())
    marked = [safe_highlight(text) for text in texts if "<mark>" in text]
    return Markup(" … ").join(marked) if marked else None


def with_ellipses(text: Markup, whole: object) -> Markup:
    """A passage with dots where it was cut out of ``whole``, and without the punctuation a cut leaves in front."""
    shown = html.unescape(re.sub(r"</?mark>", "", text))
    if not isinstance(whole, str) or shown not in whole:
        return text
    start = Markup("") if whole.startswith(shown) else Markup("… ")
    end = Markup("") if whole.endswith(shown) else Markup(" …")
    return start + (Markup(_LEFTOVER.sub("", text)) if start else text) + end


def passage(schema: Schema, hit: Any, title: str | None) -> Markup:
    """The passage under a title: the text field with the most different marked words, else the beginning of the first text."""
    names = [field.name for field in schema.text_fields if field.name not in (title, "url")]
    found = [(name, text) for name in names if (text := highlighted(hit.highlights, name)) is not None]
    if found:
        name, text = max(found, key=lambda pair: len(_marked_words([pair[1]])))
        return with_ellipses(text, hit.document.get(name))
    first = next((name for name in names if field_text(hit.document.get(name)).strip()), None)
    return escape(plain(field_text(hit.document.get(first)), MAX_PASSAGE)) if first else Markup("")


def _marked_words(texts: Iterable[str]) -> set[str]:
    return {html.unescape(word).casefold() for text in texts for word in _MARKED.findall(text)}


def matched_fields(schema: Schema, hit: Any) -> list[str]:
    """The text fields in which something of the query was found, in schema order."""
    return [field.name for field in schema.text_fields if highlighted(hit.highlights, field.name) is not None]


def query_words(q: str) -> list[str]:
    """The words a reader typed, without the signs of the query language."""
    return [word for word in re.findall(r"[\w.+#]+", re.sub(r"(?:^|\s)-\S+|\b(?:AND|OR|NOT)\b|\w+:", " ", q)) if word.strip("._")]


def has_all_words(hit: Any, q: str) -> bool:
    """Whether every typed word, of two or more, occurs in what is shown as it was typed."""
    words = [word.casefold() for word in query_words(q)]
    texts = [part for value in hit.highlights.values() for part in ([value] if isinstance(value, str) else value or ())]
    shown = html.unescape(re.sub(r"</?mark>", "", " ".join(texts))).casefold()
    return len(words) > 1 and all(word in shown for word in words)


def page_numbers(current: int, last: int) -> Sequence[int]:
    """The pages offered around the current one; pages count from 1."""
    first = max(1, min(current - 3, last - 6))
    return range(first, min(last, first + 6) + 1)
