"""The cookies of one browser: a jar a host, by the rules that browsers keep (RFC 6265bis)."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from http.cookies import Morsel, SimpleCookie


@dataclass(frozen=True, slots=True)
class Cookie:
    name: str
    value: str  # as it stands in the header
    domain: str = ""  # '' for a host-only cookie
    secure: bool = False
    same_site: str = "Lax"  # what browsers assume where nothing is said
    expires: float = float("inf")


@dataclass
class CookieJar:
    """``accepts=False`` is a browser with cookies off; ``refuses`` names cookies that an extension throws away."""

    accepts: bool = True
    refuses: tuple[str, ...] = ()
    _cookies: dict[tuple[str, str], Cookie] = field(default_factory=dict)  # by owner (host or .domain) and name

    def of(self, host: str) -> dict[str, str]:
        """Name and value of each cookie that a secure request to ``host`` would carry."""
        return {cookie.name: cookie.value for cookie in self._for(host)}

    def header(self, host: str, *, secure: bool, cross_site: bool, method: str) -> str:
        """The Cookie header of a top-level navigation."""
        hidden = {"strict"} if method in {"GET", "HEAD"} else {"strict", "lax"}
        return "; ".join(
            f"{cookie.name}={cookie.value}"
            for cookie in self._for(host)
            if (secure or not cookie.secure) and not (cross_site and cookie.same_site.lower() in hidden)
        )

    def take(self, host: str, cookies: SimpleCookie, *, secure: bool) -> None:
        for morsel in cookies.values():
            if self.accepts and morsel.key not in self.refuses and is_allowed(morsel, host, secure=secure):
                self.put(host, from_morsel(morsel))

    def put(self, host: str, cookie: Cookie) -> None:
        """Keep a cookie whatever its name: also one that a page of another site planted."""
        owner = f".{cookie.domain.lstrip('.')}" if cookie.domain else host
        if cookie.expires <= time.time():
            self._cookies.pop((owner, cookie.name), None)
        else:
            self._cookies[owner, cookie.name] = cookie

    def clear(self, host: str) -> None:
        """What bounce tracking mitigation does to a site."""
        for owner, name in list(self._cookies):
            if owner == host:
                self._cookies.pop((owner, name), None)

    def _for(self, host: str) -> list[Cookie]:
        now = time.time()
        return [
            cookie
            for (owner, _), cookie in list(self._cookies.items())  # another tab may put one meanwhile
            if cookie.expires > now and (owner == host or (owner.startswith(".") and f".{host}".endswith(owner)))
        ]


def is_allowed(morsel: Morsel[str], host: str, *, secure: bool) -> bool:
    """Secure cookies only over HTTPS; ``__Host-`` only Secure, for the whole host and no other; no foreign domains."""
    domain = morsel["domain"].lstrip(".")
    if morsel["secure"] and not secure:
        return False
    if morsel.key.startswith("__Host-") and (not morsel["secure"] or domain or morsel["path"] != "/"):
        return False
    if morsel.key.startswith("__Host-Http-") and not morsel["httponly"]:
        return False
    return not domain or f".{host}".endswith(f".{domain}")


def from_morsel(morsel: Morsel[str]) -> Cookie:
    age = morsel["max-age"]
    return Cookie(
        name=morsel.key,
        value=morsel.coded_value,
        domain=morsel["domain"],
        secure=bool(morsel["secure"]),
        same_site=morsel["samesite"] or "Lax",
        expires=time.time() + int(age) if age != "" else float("inf"),
    )
