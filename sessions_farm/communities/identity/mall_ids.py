"""Ids of a community: made by its master for all its hosts, or by a member for itself alone."""

from __future__ import annotations

import secrets
from typing import Any

from sessions_farm.communities.identity import id_generators
from sessions_farm.session import ids

LOCAL = "local-"


def new_id(member: Any) -> str:
    """Return a fresh id for a host of a community (``registry.Member``).

    The community's own generator gives a prefix; 128 random bits follow, so a guessable generator makes no guessable id.

    Only the master makes ids for the whole community. An id of another host (of a POST without a session, say) carries
    that in its own prefix, for as long as any cookie carries it: the next hand-off replaces and merges it.
    """
    if not member.is_master:
        return LOCAL + ids.new_id()
    prefix = id_generators.prefix_by(member.id_generator, member)
    return f"{prefix}-{secrets.token_urlsafe(16)}" if prefix else ids.new_id()


def is_local(session_id: str) -> bool:
    """Return whether a member made the id for itself, unknown to the rest of its community."""
    return session_id.startswith(LOCAL)
