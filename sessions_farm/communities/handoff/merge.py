"""Make an id that was handed over this browser's own, and merge the session and visitor that it had without one."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from django.db import transaction
from django.http import HttpResponseBase
from django.utils import timezone

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
from sessions_farm.stores.sql import followers
from sessions_farm.web import cookies

if TYPE_CHECKING:
    from sessions_farm.communities.context import MallRequest

logger = logging.getLogger(__name__)

MESSAGES = "_messages"  # django.contrib.messages: texts that the next page must still show


def make_id(request: MallRequest) -> str:
    """Return an id for a browser that the community does not know yet; on the master only. Nothing is stored for it."""
    session = request.session
    local = session.session_key
    if local and is_local(local):
        session.cycle_key()  # this host became the master since
        followers.carry(ids.digests_of(local), ids.digest(session.claim_key()))
    return session.claim_key()


def set_session_id(request: MallRequest, response: HttpResponseBase, mall_id: str) -> None:
    """Set the id's cookie for this host, merge the session of the id that was here before, and end it.

    The session of a person who is signed in here under another id is not merged: the authority decides whose browser
    this is.
    """
    mall = request.mall
    old, old_id = mall.session, mall.id
    new = SessionStore(proof=Proof(mall_id, int(time.time())), audience=mall.audience)
    if old is not None and old_id is not None and old_id != mall_id and not mall.signed_in:
        merge_session(old, old_id, new, mall_id)
    request.session = new
    mall.forget_visitor()
    cookies.issue(response, mall.audience, mall_id)


def merge_into_master(request: MallRequest, peer_id: str) -> None:
    """Merge the session of a peer's id into one under the master's own id, after the master's cookie was purged.

    The peer's id itself is not taken, against session fixation: an attacker could have planted it on the peer. It ends,
    so that all hosts that know it ask the master anew. A session that a person is signed in to is left alone: they sign
    in here again.
    """
    old = SessionStore(proof=Proof(peer_id, int(time.time())), audience=request.mall.audience)
    own_id = make_id(request)
    if not old.ended and not old.unavailable and not old.get(SIGNED_IN):
        merge_session(old, peer_id, request.session, own_id)
    request.mall.forget_visitor()


def merge_session(old: SessionStore, old_id: str, new: SessionStore, new_id: str) -> None:
    """Merge visitors and variables of an id into another, and end the old one."""
    merge_visitors_of_ids(old_id, new_id)
    try:
        copy_variables(old, new)
        run_sync(current_store().delete(ids.digest(old_id), "merged", now_ms()))
    except StoreUnavailableError as error:
        logger.warning("The visitors are merged, the rest of a session is not: %s", error)


@transaction.atomic
def merge_visitors_of_ids(old_id: str, new_id: str) -> None:
    """Merge the visitors behind two ids; if the new id has none, the old one's becomes its visitor."""
    source = lookup.find_visitor(old_id)
    if source is None or source.user_id is not None:
        return
    target = lookup.find_visitor(new_id) or lookup.assign_visitor_once(new_id, source)
    merge_visitors(source=source, target=target, now=timezone.now())  # nothing to do where they are one


def copy_variables(old: SessionStore, new: SessionStore) -> None:
    """Add the variables that the new session lacks, without the private ones of Django and the farm."""
    for name, value in old.items():
        if (name == MESSAGES or not name.startswith("_")) and name not in new:
            new[name] = value
    if new.modified:
        new.save()
