"""The client of a site outside the farm: asks the mall for its visitor by the code flow with PKCE.

Needs only Python.

For each page, and for CALLBACK: ``visit = client.visit(method, target, headers)``. Send ``visit.cookies``. Where there
is a ``visit.redirect``, lead there; else show the page, with ``visit.facts`` where the mall tells of this visitor.
Whatever goes wrong ends in a page without.
"""

import base64
import hashlib
import hmac
import re
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode, urlsplit

from mall_server import MallServer, MallUnavailableError

CALLBACK = "/mall/callback"
GAVE_UP = "mall=off"  # in the address of a page whose browser keeps no cookies
DANCES, WINDOW = 2, 120  # so many begin in one browser within so many seconds
DECLINED, DELAYED = 3600, 60  # seconds in which a browser is not asked again that was refused, or told to wait
FRESH = 5  # seconds for which what the mall said of a visitor is good enough
SESSION_AGE, MOST_SESSIONS = 86_400, 10_000  # seconds; the oldest go first
BOT = re.compile(r"(?<!\bcu)bot\b|crawl|spider|slurp|preview|facebookexternalhit|lighthouse", re.IGNORECASE)
OWN_PATH = re.compile(r"/(?![/\\])[!-\[\]-~]{0,1000}")  # of this site in every browser: no "//host", no backslash
DANCE = re.compile(r"([A-Za-z0-9_-]{43})\.([0-9])")  # PKCE's verifier, and how many dances began with it


@dataclass(slots=True)
class Session:
    token: str
    facts: dict | None = None
    asked_at: float = 0
    asking: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True, slots=True)
class Visit:
    facts: dict | None = None
    redirect: str = ""
    cookies: tuple[str, ...] = ()


class MallClient:
    """``origin`` and ``mall`` are written as browsers write them; ``dial`` as in MallServer."""

    def __init__(self, origin: str, mall: str, secret: str, dial: str = "") -> None:
        self.origin, self.mall, self.name = origin, mall, urlsplit(origin).hostname
        self.server = MallServer(mall, self.name, secret, dial)
        self.prefix, self.secure = ("__Host-mall", "; Secure") if origin.startswith("https:") else ("mall", "")
        self.sessions: dict[str, Session] = {}

    def visit(self, method: str, target: str, headers: Mapping[str, str]) -> Visit:
        cookies = dict(pair.strip().split("=", 1) for pair in headers.get("Cookie", "").split(";") if "=" in pair)
        path, _, query = target.partition("?")
        if path == CALLBACK and method == "GET":
            return self._finish(dict(parse_qsl(query)), cookies)
        if headers.get("Sec-GPC") == "1":  # do not share
            return Visit()
        if facts := self._facts(cookies.get(f"{self.prefix}-session", "")):
            return Visit(facts)
        if is_navigation(method, headers) and GAVE_UP not in query:
            return self._begin(target if OWN_PATH.fullmatch(target) else "/", cookies)
        return Visit()

    def _begin(self, path: str, cookies: Mapping[str, str]) -> Visit:
        """Send the browser to the mall, if that answers; tabs that begin at the same time share one verifier."""
        verifier, dances = self._dance(cookies) or (secrets.token_urlsafe(32), 0)
        if dances >= DANCES or not self.server.answers():
            return Visit()
        question = {
            "response_type": "code",
            "client_id": self.name,
            "redirect_uri": self.origin + CALLBACK,
            "state": seal(path, verifier) + path,
            "code_challenge": base64url(hashlib.sha256(verifier.encode()).digest()),
            "code_challenge_method": "S256",
        }
        where = f"{self.mall}/.mall/oauth/authorize?{urlencode(question)}"
        return Visit(redirect=where, cookies=self._cookie("dance", f"{verifier}.{dances + 1}", WINDOW))

    def _finish(self, said: Mapping[str, str], cookies: Mapping[str, str]) -> Visit:
        """Lead back to the page, with a session of this site's own where the mall's answer was for this browser."""
        sealed, path = said.get("state", "")[:43], said.get("state", "")[43:]
        path = path if OWN_PATH.fullmatch(path) else "/"
        dance = self._dance(cookies)
        if dance is None:
            return Visit(redirect=f"{path}{'&' if '?' in path else '?'}{GAVE_UP}")
        verifier, _ = dance
        if not hmac.compare_digest(sealed.encode(), seal(path, verifier).encode()) or said.get("iss") != self.mall:
            return Visit(redirect=path)
        if "error" in said:
            pause = DECLINED if said["error"] == "access_denied" else DELAYED
            return Visit(redirect=path, cookies=self._cookie("dance", f"{verifier}.{DANCES}", pause))
        try:
            answer = self.server.redeem(said.get("code", ""), verifier, self.origin + CALLBACK)
            session = Session(answer["access_token"])
        except (MallUnavailableError, KeyError):  # a refusal has none
            return Visit(redirect=path)
        key = secrets.token_urlsafe(32)  # a new one: nobody can have planted it
        self.sessions.pop(cookies.get(f"{self.prefix}-session", ""), None)
        self.sessions[key] = session
        for oldest in list(self.sessions)[:-MOST_SESSIONS]:
            self.sessions.pop(oldest, None)
        return Visit(redirect=path, cookies=self._cookie("session", key, SESSION_AGE))

    def _facts(self, key: str) -> dict | None:
        """Return the mall's facts of a visitor; None where it gives none, or must be asked through the browser."""
        session = self.sessions.get(key)
        if session is None:
            return None
        with session.asking:
            if time.time() - session.asked_at >= FRESH:
                try:
                    answer = self.server.userinfo(session.token)
                except MallUnavailableError:
                    return None
                if "sub" not in answer:  # the token's time is over, or they signed in or out
                    self.sessions.pop(key, None)
                    return None
                session.asked_at, session.facts = time.time(), answer
            return session.facts

    def _dance(self, cookies: Mapping[str, str]) -> tuple[str, int] | None:
        found = DANCE.fullmatch(cookies.get(f"{self.prefix}-dance", ""))
        return (found[1], int(found[2])) if found else None

    def _cookie(self, name: str, value: str, seconds: int) -> tuple[str]:
        return (f"{self.prefix}-{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{self.secure}",)


def is_navigation(method: str, headers: Mapping[str, str]) -> bool:
    """Tell a person's own top-level GET by the browser's headers: no prefetch, frame, form, script or robot."""
    kind = (method, headers.get("Sec-Fetch-Mode"), headers.get("Sec-Fetch-Dest"))
    in_advance = "prefetch" in headers.get("Sec-Purpose", "") + headers.get("Purpose", "")
    return kind == ("GET", "navigate", "document") and not in_advance and not BOT.search(headers.get("User-Agent", ""))


def seal(text: str, secret: str) -> str:
    return base64url(hmac.digest(secret.encode(), text.encode(), "sha256"))


def base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
