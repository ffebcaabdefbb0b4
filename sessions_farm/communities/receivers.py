"""Join the visitor to the person at a login, and begin a new one after a logout."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.signals import user_logged_out
from django.dispatch import receiver
from django.utils import timezone
from django.utils.module_loading import import_string

from sessions_farm.communities import cookieless
from sessions_farm.communities.conf import community_options
from sessions_farm.communities.context import STAFF_OF, Mall
from sessions_farm.communities.visitors import lookup
from sessions_farm.session.session import SessionStore
from sessions_farm.signals import session_signed_in


@receiver(session_signed_in, dispatch_uid="communities")
def join_visitor(*, request: Any, user: Any, session: SessionStore, **_kwargs: Any) -> None:
    """Write the facts that every host of the community may know, and join the visitor to the person."""
    cookieless.refuse_staff(request, user)
    session[STAFF_OF] = sorted(import_string(path)(user)) if (path := community_options().staff_of) else []
    mall = getattr(request, "mall", None) or Mall(session=session)
    session.claim_key()
    lookup.join_visitor_to_user(user=user, session_ids=session.ids, member=mall.member, now=timezone.now())
    mall.forget_visitor()


@receiver(user_logged_out, dispatch_uid="communities")
def forget_visitor(*, request: Any, **_kwargs: Any) -> None:
    """Look for the visitor anew: the next person at this browser may be another one."""
    if mall := getattr(request, "mall", None):
        mall.forget_visitor()
