"""What a page says, whatever its source's line breaks."""

import html
import json
import re
from html.parser import HTMLParser


def flat(response) -> str:
    """The page on one line, without white space at the edges of tags."""
    one_line = re.sub(r"\s+", " ", response.text)
    return re.sub(r" ?(<|/?>) ?", r"\1", one_line)


def words_of(response) -> str:
    """The page's words on one line, without its tags."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", response.text)).split())


def structured_data(text: str) -> list[dict]:
    """The nodes of the one JSON-LD script of a page."""
    (script,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', text, re.DOTALL)
    return json.loads(script)["@graph"]


class _Controls(HTMLParser):
    """The successful controls of the page's forms (HTML, 4.10.22.4), buttons left out."""

    def __init__(self) -> None:
        super().__init__()
        self.data: dict[str, str] = {}
        self._text = self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        each = dict(attrs)
        name = each.get("name") or ""
        if tag == "select":
            self._select = name
        elif tag == "option" and "selected" in each:
            self.data[self._select] = each.get("value") or ""
        elif tag == "textarea":
            self._text = name
            self.data[name] = ""
        elif tag == "input" and name and each.get("type") not in {"submit", "file", "search"}:
            is_box = each.get("type") in {"checkbox", "radio"}
            if not is_box or "checked" in each:
                self.data[name] = each.get("value") or ("on" if is_box else "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._text = ""

    def handle_data(self, text: str) -> None:
        if self._text:
            self.data[self._text] += text.removeprefix("\n") if not self.data[self._text] else text


def form_data(response) -> dict[str, str]:
    """What a browser would post from the page as it is shown."""
    parser = _Controls()
    parser.feed(response.content.decode())
    return parser.data
