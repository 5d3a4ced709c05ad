"""Title and text of a file for people: plain text, Markdown, HTML."""

import codecs
import re
from html.parser import HTMLParser

from indexer.documents import BadDocument

_HEADING = re.compile(r"^#{1,6}[ \t]+(.+?)[ \t]*#*[ \t]*$|^([^\s#>*+\-`|].*)\n(?:=+|-{3,})[ \t]*$", re.MULTILINE)
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FRONT_TITLE = re.compile(r"""^title:[ \t]*(["']?)(.+?)\1[ \t]*$""", re.MULTILINE)
_FENCE = re.compile(r"^(```|~~~).*?^\1[ \t]*$", re.MULTILINE | re.DOTALL)
_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([A-Za-z0-9_\-:]{2,40})""", re.IGNORECASE)
_ENDLESS = re.compile(r"<(?=[^<>]*(?:<|\Z))|<!(?=--|\[)")
_BLOCKS = re.compile(
    "address|article|aside|blockquote|br|button|caption|d[dlt]|div|fieldset|fig(caption|ure)|footer|form|h[1-6]|header|hr|li|main|nav|[ou]l"
    "|option|p|pre|section|select|summary|table|tbody|t[dhr]|tfoot|thead|title"
)
_HIDDEN = frozenset({"script", "style", "template", "noscript", "svg", "math", "head"})
_IN_HEAD = frozenset({"title", "meta", "link", "base", "script", "style", "noscript", "template"})


def read_text(raw: bytes, stem: str) -> tuple[str, str]:
    """(title, text) of a plain text file: the title is its name."""
    return stem, _decode(raw, "utf-8")


def read_markdown(raw: bytes, stem: str) -> tuple[str, str]:
    """(title, text) of Markdown: the title is that of its front matter, else its first heading, else its name."""
    text = _decode(raw, "utf-8").replace("\r\n", "\n")
    title = stem
    if front := _FRONT_MATTER.match(text):
        text = text[front.end() :]
    if front and (named := _FRONT_TITLE.search(front[1])):
        title = named[2]
    elif heading := _HEADING.search(_FENCE.sub("", text)):
        title = heading[1] or heading[2]
    return title.strip(), text


def read_html(raw: bytes, stem: str) -> tuple[str, str]:
    """(title, text) of HTML: what a reader sees, a line for every block; the title is <title>, else the first <h1>, else the name."""
    parser = _Visible()
    parser.feed(_tamed(_decode(raw, _declared_charset(raw))))
    parser.close()
    lines = (" ".join(line.split()) for line in "".join(parser.text).split("\n"))
    return _one_line(parser.title) or _one_line(parser.heading) or stem, "\n".join(line for line in lines if line)


def _tamed(text: str) -> str:
    """Without comments and unended tags: for each of those the standard library's parser searches the whole rest of the page."""
    parts, start = [], 0
    while (comment := text.find("<!--", start)) >= 0 and (end := text.find("-->", comment + 4)) >= 0:
        parts.append(text[start:comment])
        start = end + 3
    parts.append(text[start:])
    return _ENDLESS.sub("&lt;", "".join(parts))


class _Visible(HTMLParser):
    """Gathers the text outside of scripts, styles and the head."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text: list[str] = []
        self.title: list[str] = []
        self.heading: list[str] = []
        self._inside: str | None = None
        self._hidden: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._hidden == ["head"] and tag not in _IN_HEAD:
            self._hidden.clear()  # the end tag of a head may be left out
        if tag in _HIDDEN:
            self._hidden.append(tag)
        elif self._names_the_page(tag):
            self._inside = tag
        if _BLOCKS.fullmatch(tag):
            self.text.append("\n")

    def _names_the_page(self, tag: str) -> bool:
        """Whether this is the first title, or the first heading that can be seen."""
        if tag == "title":
            return not self.title and self._hidden in ([], ["head"])
        return tag == "h1" and not self.heading and not self._hidden

    def handle_endtag(self, tag: str) -> None:
        if tag in self._hidden:
            del self._hidden[self._hidden.index(tag) :]
        if tag == self._inside:
            self._inside = None
        if _BLOCKS.fullmatch(tag):
            self.text.append("\n")

    def handle_data(self, data: str) -> None:
        if self._inside == "title":
            self.title.append(data)
        elif not self._hidden:
            self.text.append(data)
            if self._inside == "h1":
                self.heading.append(data)


def _one_line(parts: list[str]) -> str:
    return " ".join("".join(parts).split())


def _declared_charset(raw: bytes) -> str:
    """The character set an HTML page declares in its first 2,048 bytes; UTF-8 when it declares none that is known."""
    found = _CHARSET.search(raw[:2048])
    try:
        info = codecs.lookup(found[1].decode("ascii")) if found else codecs.lookup("utf-8")
    except LookupError:
        return "utf-8"
    # A page that calls itself GB2312 uses characters of its superset GB18030.
    return "gb18030" if info.name in ("gb2312", "gbk") else info.name


def _decode(raw: bytes, charset: str) -> str:
    try:
        return raw.removeprefix(codecs.BOM_UTF8).decode(charset)
    except (UnicodeError, LookupError):
        raise BadDocument("invalid_utf8", f"expected {charset.upper()}, found other bytes; convert the file to UTF-8") from None
