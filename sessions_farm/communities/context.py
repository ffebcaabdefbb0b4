"""What a request knows of the mall: its community and host, its id, its visitor (``request.mall``)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from sessions_farm.communities.visitors import lookup
from sessions_farm.session import ids
from sessions_farm.session.variables import SIGNED_IN, STAFF_OF
from sessions_farm.web.decorators import is_off

if TYPE_CHECKING:
    from sessions_farm.communities.models import Visitor
    from sessions_farm.communities.registry import Member
    from sessions_farm.session.session import SessionStore

UNASKED = object()


@dataclass(slots=True)
class Mall:
    """Set by HostGate with the member; SessionMiddleware (or SessionScope) adds the session."""

    member: Member | None = None
    session: SessionStore | None = None
    _visitor: object = field(default=UNASKED, repr=False)

    @property
    def is_master(self) -> bool:
        """Whether this is the community's master host; alone, without communities, every host is."""
        return self.member is None or self.member.is_master

    @property
    def role(self) -> Literal["master", "member"]:
        """What this host is in its community. Addresses, payment, orders and accounts are the master's alone."""
        return "master" if self.is_master else "member"

    @property
    def id(self) -> str | None:
        """The id that the cookie proves and that has not ended; None for a visitor without one.

        Asks the store once, for the session is loaded with the answer: an id that was rotated, merged or logged out on
        any host is no id. A store that is away ends nothing.
        """
        if self.session is None or self.session.ended:
            return None
        return self.session.session_key

    @property
    def in_grace(self) -> bool:
        """Whether the id was rotated a moment ago, while this request was under way: there is a session to read."""
        return self.session is not None and self.session.ended and self.session.in_grace

    @property
    def is_local(self) -> bool:
        """Whether the id was made on this host, so that no other host knows yet what the visitor has here."""
        if is_off(self.session):  # its view did nothing that another host could miss
            return False
        session_id = self.id
        return session_id is not None and ids.is_local(session_id)

    @property
    def key_hash(self) -> str:
        """The keyed hash of the id, safe to store; '' without an id."""
        session_id = self.id
        return ids.digest(session_id) if session_id else ""

    @property
    def visitor(self) -> Visitor | None:
        """The visitor behind the id; None where nothing ever needed one. Never creates."""
        if self._visitor is UNASKED:
            self._visitor = lookup.find_visitor(*self.session.ids) if self.session is not None and self.id else None
        return self._visitor  # type: ignore[return-value]  # UNASKED is gone by now

    def ensure_visitor(self) -> Visitor:
        """The visitor, created where there is none yet; the response will carry the id's cookie."""
        if (found := self.visitor) is not None:
            return found
        if self.session is None:
            raise RuntimeError("A visitor needs a session; put SessionMiddleware before what asks for one.")
        visitor = lookup.get_or_create_visitor(self.session.claim_key(), self.member)
        self._visitor = visitor
        return visitor

    def forget_visitor(self) -> None:
        """Ask anew at the next need: the id has changed hands."""
        self._visitor = UNASKED

    @property
    def signed_in(self) -> bool:
        """Whether somebody is signed in, as every host of the community may know."""
        return bool(self.session is not None and self.session.get(SIGNED_IN))

    @property
    def staff_of(self) -> frozenset[int]:
        """The vendors that the signed-in person works for."""
        found = self.session.get(STAFF_OF) if self.session is not None else None
        return frozenset(found or ())
