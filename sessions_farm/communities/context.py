"""The community's view of a request (``request.mall``): its member host, its id and its visitor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from django.http import HttpRequest

from sessions_farm.communities.identity.mall_ids import is_local
from sessions_farm.communities.visitors import lookup
from sessions_farm.session import ids
from sessions_farm.session.audience import SITE
from sessions_farm.session.variables import SIGNED_IN, STAFF
from sessions_farm.web.decorators import is_off

if TYPE_CHECKING:
    from sessions_farm.communities.models import Visitor
    from sessions_farm.communities.registry import Member
    from sessions_farm.session.audience import Audience
    from sessions_farm.session.session import SessionStore


STAFF_OF = "_farm_staff_of"
NOT_ASKED = object()


class MallRequest(HttpRequest):
    """A request behind HostMiddleware and SessionMiddleware, for the type checker; never instantiated."""

    mall: Mall
    session: SessionStore


class Mall:
    """Set by HostMiddleware. The session is the request's, or one that is given (for sockets and tests)."""

    __slots__ = ("_request", "_session", "_visitor", "member")

    def __init__(
        self, member: Member | None = None, session: SessionStore | None = None, request: HttpRequest | None = None
    ) -> None:
        self.member = member
        self._session = session
        self._request = request
        self._visitor: object = NOT_ASKED

    @property
    def session(self) -> SessionStore | None:
        """Return the session, or its stand-in while a view has none."""
        return self._session if self._session is not None else getattr(self._request, "session", None)

    @property
    def audience(self) -> Audience:
        """Return the audience of sessions here: the member, or the site itself without communities."""
        return self.member or SITE

    @property
    def is_master(self) -> bool:
        """Return whether this is the community's master host; without communities, every host is."""
        return self.member is None or self.member.is_master

    @property
    def role(self) -> Literal["master", "member"]:
        """Return the role of this host. Addresses, payment, orders and accounts are the master's alone."""
        return "master" if self.is_master else "member"

    @property
    def id(self) -> str | None:
        """Return the id that the cookie proves and that has not ended; None for a visitor without one.

        Asks the store once, for the session is loaded with the answer: an id that was rotated, merged or logged out on
        any host is no id. A store that is away ends nothing.
        """
        session = self.session
        if session is None or session.ended:
            return None
        return session.session_key

    @property
    def in_grace(self) -> bool:
        """Return whether the id was rotated while this request was under way: its session can still be read."""
        session = self.session
        return session is not None and session.ended and session.in_grace

    @property
    def is_local(self) -> bool:
        """Return whether the id was made on this host, so that no other host knows it."""
        if is_off(self.session):  # its view did nothing that another host could miss
            return False
        session_id = self.id
        return session_id is not None and is_local(session_id)

    @property
    def key_hash(self) -> str:
        """Return the keyed digest of the id, safe to store; '' without an id."""
        session_id = self.id
        return ids.digest(session_id) if session_id else ""

    @property
    def visitor(self) -> Visitor | None:
        """Return the visitor behind the id; None where none was needed yet. Never creates."""
        if self._visitor is NOT_ASKED:
            session = self.session
            self._visitor = lookup.find_visitor(*session.ids) if session is not None and self.id else None
        return self._visitor  # type: ignore[return-value]  # NOT_ASKED is gone by now

    @property
    def visitor_hashes(self) -> list[str]:
        """Return the hashes by which a query of other rows finds the visitor's itself; empty where it cannot."""
        session = self.session
        if self._visitor is not NOT_ASKED or session is None or not self.id or len(session.ids) != 1:
            return []
        return list(ids.digests_of(session.ids[0]))

    def ensure_visitor(self) -> Visitor:
        """Return the visitor, created where there is none yet; the response will carry the id's cookie."""
        if (found := self.visitor) is not None:
            return found
        if self.session is None:
            raise RuntimeError("A visitor needs a session; put SessionMiddleware before the code that asks for one.")
        visitor = lookup.get_or_create_visitor(self.session.claim_key(), self.member)
        self._visitor = visitor
        return visitor

    def forget_visitor(self) -> None:
        """Ask anew at the next need: the id has changed hands."""
        self._visitor = NOT_ASKED

    @property
    def signed_in(self) -> bool:
        """Return whether someone is signed in, as every host of the community may know."""
        return bool(self.session is not None and self.session.get(SIGNED_IN))

    @property
    def is_staff(self) -> bool:
        """Return whether the signed-in person may enter the admin, as every host of the community may know."""
        return bool(self.session is not None and self.session.get(STAFF))

    @property
    def staff_of(self) -> frozenset[int]:
        """Return the ids of the vendors that the signed-in person works for."""
        found = self.session.get(STAFF_OF) if self.session is not None else None
        return frozenset(found or ())
