"""Requests of an external member to the mall, server to server: a token for a code, a visitor for a token.

Needs only Python. A mall that fails is left alone for a while.
"""

import base64
import http.client
import json
import logging
import time
from urllib.parse import quote, urlencode, urlsplit

FRESH = 1  # second for which it is known that the mall answers
REST = 60  # seconds in which a mall that failed is left alone
TIMEOUT = 3
LONGEST_ANSWER = 65_536
logger = logging.getLogger(__name__)


class MallUnavailableError(Exception):
    """The mall does not answer, or not as a mall, or not us."""


class MallServer:
    """``mall`` is its origin as browsers know it; ``dial`` the address where it is asked, where that is another."""

    def __init__(self, mall: str, name: str, secret: str, dial: str = "") -> None:
        self.host, self.dial = urlsplit(mall).netloc, urlsplit(dial or mall)
        self.basic = base64.b64encode(f"{quote(name)}:{quote(secret)}".encode()).decode()
        self.rests_until = self.answered_at = 0.0

    def answers(self) -> bool:
        """Whether the mall answers, and knows us: no browser is sent to a wall. A redemption of nothing tells."""
        if time.time() - self.answered_at >= FRESH:
            try:
                said = self.redeem("none", "none", "")
            except MallUnavailableError:
                return False
            if said.get("error") != "invalid_grant":
                self.rest(said)
                return False
            self.answered_at = time.time()
        return True

    def redeem(self, code: str, verifier: str, callback: str) -> dict:
        """The token endpoint's answer, or its refusal. Raise MallUnavailableError."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "code_verifier": verifier,
            "redirect_uri": callback,
        }
        headers = {"Authorization": f"Basic {self.basic}", "Content-Type": "application/x-www-form-urlencoded"}
        return self.ask("POST", "/.mall/oauth/token", headers, urlencode(form))

    def userinfo(self, token: str) -> dict:
        """Return the visitor's facts, or a refusal where the token is no longer valid. Raise MallUnavailableError."""
        return self.ask("GET", "/.mall/oauth/userinfo", {"Authorization": f"Bearer {token}"})

    def ask(self, method: str, path: str, headers: dict[str, str], body: str | None = None) -> dict:
        if time.time() < self.rests_until:
            raise MallUnavailableError
        secure = self.dial.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = kind(self.dial.hostname, self.dial.port, timeout=TIMEOUT)
        try:
            connection.request(method, path, body, {"Host": self.host, **headers})
            answer = connection.getresponse()
            said = dict(json.loads(answer.read(LONGEST_ANSWER)))
        except (OSError, http.client.HTTPException, ValueError, TypeError) as error:
            self.rest(error)
            raise MallUnavailableError from error
        finally:
            connection.close()
        if answer.status >= http.client.INTERNAL_SERVER_ERROR:
            self.rest(f"{answer.status} {said}")
            raise MallUnavailableError
        return said

    def rest(self, reason: object) -> None:
        self.rests_until, self.answered_at = time.time() + REST, 0.0
        logger.warning("%s is left alone for %s seconds: %s", self.host, REST, reason)
