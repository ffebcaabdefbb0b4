"""Facts of a login in the session: that someone is signed in, who, and whether they are staff."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.signals import user_logged_in

from sessions_farm.declarations import OWNER
from sessions_farm.session.session import SessionStore
from sessions_farm.session.variables import SIGNED_IN, STAFF
from sessions_farm.signals import session_signed_in


def record_login(*, request: Any, user: Any, **_kwargs: Any) -> None:
    """Write the facts that decide how long the session lives and by which it is found; tell the apps above.

    Receive Django's ``user_logged_in``.
    """
    session = getattr(request, "session", None)
    if not isinstance(session, SessionStore):
        return
    if session.follows:
        session.run_sync(session.follow_effects())  # before anything is written or joined under its id
    session[SIGNED_IN] = True
    if session.audience.sees_guarded:
        session[OWNER] = str(user.pk)
    session[STAFF] = bool(getattr(user, "is_staff", False))
    session_signed_in.send(SessionStore, request=request, user=user, session=session)


def connect() -> None:
    """Listen to Django's auth."""
    user_logged_in.connect(record_login, dispatch_uid="sessions_farm")
