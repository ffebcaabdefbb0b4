"""Pauses of a community's hand-offs, as for work on its master: pages come without an id of the community."""

from __future__ import annotations

import datetime

from sessions_farm.communities.models import Community

PAUSE = datetime.timedelta(hours=1)


def pause_handoffs(*, community: Community, now: datetime.datetime) -> None:
    """Let none begin for an hour from now; a pause that is under way is prolonged."""
    Community.objects.filter(pk=community.pk).update(paused_until=now + PAUSE)
    community.refresh_from_db()


def resume_handoffs(*, community: Community) -> None:
    """End the pause of a community."""
    Community.objects.filter(pk=community.pk).update(paused_until=None)
    community.refresh_from_db()
