"""Makes an id that was handed over this browser's own, and brings along what it gathered here without one."""

from __future__ import annotations

import logging
import time

from django.db import transaction
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from sessions_farm.communities.context import Mall
from sessions_farm.communities.identity.mall_ids import is_local
from sessions_farm.communities.visitors import lookup
from sessions_farm.communities.visitors.merging import merge_visitors
from sessions_farm.session import ids
from sessions_farm.session.ids import Proof
from sessions_farm.session.session import SessionStore
from sessions_farm.session.variables import SIGNED_IN
from sessions_farm.stores import current_store
from sessions_farm.stores.base import StoreUnavailableError, now_ms
from sessions_farm.stores.effects.effects import run_sync
from sessions_farm.web import cookies

logger = logging.getLogger(__name__)

MESSAGES = "_messages"  # django.contrib.messages: what the page must still say


def make_id(request: HttpRequest) -> str:
    """The id for a browser that the community does not know yet; on the master only. Nothing is stored for it."""
    session: SessionStore = request.session  # type: ignore[assignment]  # the farm's engine
    local = session.session_key
    if local and is_local(local):
        session.cycle_key()  # this host became the master since
        lookup.carry_over(local, session.claim_key())
    return session.claim_key()


def adopt(request: HttpRequest, response: HttpResponseBase, mall_id: str) -> None:
    """Put the id's cookie for this host, and end the id that was here before.

    A person who is signed in under another id here is not merged: whoever the authority knows is who this browser is.
    """
    mall: Mall = request.mall  # type: ignore[attr-defined]  # HostGate's
    old, old_id = mall.session, mall.id
    new = SessionStore(proof=Proof(mall_id, int(time.time())), audience=mall.audience)
    if old is not None and old_id is not None and old_id != mall_id and not mall.signed_in:
        bring_along(old, old_id, new, mall_id)
    request.session = new
    mall.forget_visitor()
    cookies.issue(response, mall.audience, mall_id)


def absorb(request: HttpRequest, peer_id: str) -> None:
    """On the master, whose cookie was purged: take over what a peer's id leads to, under an id of its own making.

    The peer's id itself is not taken: somebody could have planted it on the peer. It ends, so all that know it ask the
    master anew. One that somebody is signed in under is left alone: they sign in here again.
    """
    old = SessionStore(proof=Proof(peer_id, int(time.time())), audience=request.mall.audience)  # type: ignore[attr-defined]  # HostGate's
    own_id = make_id(request)
    if not old.ended and not old.get(SIGNED_IN):
        bring_along(old, peer_id, request.session, own_id)  # type: ignore[arg-type]  # the farm's engine
    request.mall.forget_visitor()  # type: ignore[attr-defined]  # HostGate's


def bring_along(old: SessionStore, old_id: str, new: SessionStore, new_id: str) -> None:
    join_visitors(old_id, new_id)
    try:
        carry_variables(old, new)
        run_sync(current_store().delete(ids.digest(old_id), "merged", now_ms()))
    except StoreUnavailableError as error:
        logger.warning("The visitors are merged, the rest of a session is not: %s", error)


@transaction.atomic
def join_visitors(old_id: str, new_id: str) -> None:
    """Merge the visitors behind two ids; where the new id led to none, the old one's is its visitor from now on."""
    source = lookup.find_visitor(old_id)
    if source is None or source.user_id is not None:
        return
    target = lookup.find_visitor(new_id) or lookup.assign_visitor_once(new_id, source)
    merge_visitors(source=source, target=target, now=timezone.now())  # nothing to do where they are one


def carry_variables(old: SessionStore, new: SessionStore) -> None:
    """Give the session what it lacks: its own values win, and notes of Django and the farm stay behind."""
    for name, value in old.items():
        if (name == MESSAGES or not name.startswith("_")) and name not in new:
            new[name] = value
    if new.modified:
        new.save()
