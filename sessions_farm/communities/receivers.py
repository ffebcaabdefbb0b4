"""What the farm does at login and logout."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.dispatch import receiver
from django.utils import timezone
from django.utils.module_loading import import_string

from sessions_farm.communities import cookieless
from sessions_farm.communities.conf import community_options
from sessions_farm.communities.context import Mall
from sessions_farm.communities.visitors import lookup
from sessions_farm.declarations import OWNER
from sessions_farm.session.session import SessionStore
from sessions_farm.session.variables import SIGNED_IN, STAFF, STAFF_OF


@receiver(user_logged_in, dispatch_uid="sessions_farm")
def mark_session(*, request: Any, user: Any, **_kwargs: Any) -> None:
    """Leave the facts that every host may know, and join the visitor to the person."""
    session = getattr(request, "session", None)
    if not isinstance(session, SessionStore):
        return
    cookieless.refuse_staff(request, user)
    session[SIGNED_IN] = True
    if session.sees_all:
        session[OWNER] = str(user.pk)
    session[STAFF] = bool(getattr(user, "is_staff", False))
    session[STAFF_OF] = sorted(import_string(path)(user)) if (path := community_options().staff_of) else []
    mall = getattr(request, "mall", None) or Mall(session=session)
    session.claim_key()
    lookup.join_visitor_to_user(user=user, session_ids=session.ids, member=mall.member, now=timezone.now())
    mall.forget_visitor()


@receiver(user_logged_out, dispatch_uid="sessions_farm")
def forget_visitor(*, request: Any, **_kwargs: Any) -> None:
    """The next person at this browser is somebody else."""
    if mall := getattr(request, "mall", None):
        mall.forget_visitor()
