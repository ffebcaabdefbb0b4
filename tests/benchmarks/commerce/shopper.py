"""A shopper over HTTP: one open connection, cookies, redirects followed, and forms sent as pages have them."""

from __future__ import annotations

import html
import http.client
import re
from collections.abc import Mapping
from urllib.parse import urlencode, urljoin, urlsplit

MAX_REDIRECTS = 10
HIDDEN = re.compile(r"<input\b[^>]*\btype=[\"']hidden[\"'][^>]*>")
NAME, VALUE = re.compile(r"\bname=[\"']([^\"']*)[\"']"), re.compile(r"\bvalue=(?:\"([^\"]*)\"|'([^']*)')")
BROWSER = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0",
    "Accept": "text/html,application/xhtml+xml",
    "Accept-Language": "en-IE,en;q=0.8",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-User": "?1",
}


class PageError(Exception):
    """Report an answer that a shopper would not expect."""


class Shopper:
    """Browse one shop; ``url`` and ``page`` are where the last request led."""

    def __init__(self, host: str, port: int) -> None:
        self.origin = f"http://{host}:{port}"
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._cookies: dict[str, str] = {}
        self.url = f"{self.origin}/"
        self.page = ""

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def get(self, url: str) -> str:
        """Open a page; return its text."""
        return self._navigate("GET", url, None)

    def submit(self, url: str, fields: Mapping[str, object], *, form: str = "<form") -> str:
        """Send the fields and the hidden ones of the page's form that begins at a text; return the page it leads to."""
        begin = self.page.find(form)
        if begin < 0:
            raise PageError(f"{self.url} has no {form}")
        end = self.page.find("</form>", begin)
        hidden = {}
        for field in HIDDEN.findall(self.page[begin:end]):
            name, value = NAME.search(field), VALUE.search(field)
            if name:
                hidden[name[1]] = html.unescape((value[1] or value[2] or "") if value else "")
        return self._navigate("POST", url, urlencode({**hidden, **fields}))

    def _navigate(self, method: str, url: str, body: str | None) -> str:
        for _ in range(MAX_REDIRECTS):
            url = urljoin(self.url, url)
            status, location = self._request(method, url, body)
            self.url = url
            if not location:
                if status != http.HTTPStatus.OK:
                    raise PageError(f"{method} {url}: {status}\n{self.page[:2000]}")
                return self.page
            method, body, url = "GET", None, location
        raise PageError(f"{url} leads on and on.")

    def _request(self, method: str, url: str, body: str | None) -> tuple[int, str]:
        parts = urlsplit(url)
        headers = BROWSER | {"Host": parts.netloc, "Sec-Fetch-Site": "same-origin", "Referer": self.url}
        if self._cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        if body is not None:
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": self.origin}
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        self._connection.request(method, path, body, headers)
        response = self._connection.getresponse()
        self.page = response.read().decode()
        for cookie in response.headers.get_all("Set-Cookie") or ():
            name, _, value = cookie.partition(";")[0].partition("=")
            self._cookies[name] = value
        return response.status, response.headers.get("Location", "") if 300 <= response.status < 400 else ""
