"""A client of the mall's pickup API: bearer token, JSON, time limits, no redirects. Needs only Python."""

import contextlib
import http.client
import json
import socket
import ssl
import time
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, urlsplit

from signed_document import MAX_BYTES, KeyFile

TIMEOUT = 20  # seconds of silence
WAITS = 3  # times that one request is made again because the mall asks for patience
LONGEST_WAIT = 90  # seconds
MOST = 5 * MAX_BYTES


class MallError(OSError):
    """The mall refused a request; ``status`` is 0 where it was not reached."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class Mall:
    """The mall at an address such as https://mall.example/ship/v1/, for one shop of the key file.

    ``dial`` is "host:port" where the machine cannot resolve the mall's name.
    """

    url: str
    keys: KeyFile
    vendor: str = ""
    dial: str = ""

    def ask(self, method: str, path: str, document: object = None) -> bytes:
        """The body of a good answer; raise MallError for every other one. Wait where the mall asks for it (429)."""
        for left in range(WAITS, -1, -1):
            status, wait, content = self._answer(method, path, document)
            if status != 429 or not left or not 0 < wait <= LONGEST_WAIT:
                break
            time.sleep(wait)
        if not 200 <= status < 300 or len(content) > MOST:
            raise MallError(f"The mall answered {status}: {content[:300].decode(errors='replace')}", status)
        return content

    def _answer(self, method: str, path: str, document: object) -> tuple[int, int, bytes]:
        """The status of an answer, the seconds that it asks to wait, and its body; raise MallError without one."""
        key = self.keys.of(self.vendor)
        headers = {"Authorization": f"Bearer {key.token}", "User-Agent": "mall-department/1", "Accept": "*/*"}
        body = None if document is None else json.dumps(document).encode()
        if body is not None:
            headers["Content-Type"] = "application/json"
        parts = urlsplit(self.url)
        try:
            with contextlib.closing(self._connection(parts)) as connection:
                connection.request(method, f"{parts.path.rstrip('/')}/{path}", body, headers | {"Host": parts.netloc})
                answer = connection.getresponse()
                content = answer.read(MOST + 1)
        except (OSError, http.client.HTTPException) as error:
            raise MallError(f"The mall cannot be reached: {error!r}") from error
        asked = answer.headers.get("Retry-After", "")
        return answer.status, int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 6 else 0, content

    def ask_json(self, method: str, path: str, document: object = None) -> dict:
        """The object in a good answer."""
        try:
            found = json.loads(self.ask(method, path, document))
        except ValueError as error:
            raise MallError("The mall's answer is no JSON; is the address that of its pickup API?") from error
        if not isinstance(found, dict):
            raise MallError("The mall's answer is no object of JSON.")
        return found

    def ask_list(self, method: str, path: str, name: str, document: object = None) -> list[dict]:
        """The objects under a name in a good answer."""
        found = self.ask_json(method, path, document).get(name)
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            raise MallError(f"The mall's answer has no {name}; is the address that of its pickup API?")
        return found

    def _connection(self, parts: SplitResult) -> http.client.HTTPConnection:
        secure = parts.scheme == "https"
        host, port = parts.hostname, parts.port or (443 if secure else 80)
        if self.dial:
            host, _, named = self.dial.rpartition(":")
            port = int(named)
        elif host.endswith(".localhost"):
            host = "127.0.0.1"  # RFC 6761; not every system does so by itself
        if not secure:
            return http.client.HTTPConnection(host, port, timeout=TIMEOUT)
        return NamedConnection(host, port, parts.hostname)


class NamedConnection(http.client.HTTPSConnection):
    """TLS to an address, with the certificate of a name."""

    def __init__(self, host: str, port: int, name: str) -> None:
        super().__init__(host, port, timeout=TIMEOUT)
        self.name = name

    def connect(self) -> None:
        plain = socket.create_connection((self.host, self.port), TIMEOUT)
        self.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=self.name)


def path_of(*parts: str) -> str:
    """A path of names, each quoted."""
    return "/".join(quote(part, safe="") for part in parts)
