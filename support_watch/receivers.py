"""Receivers: changed permissions end open screens at once; changed choices reach every node."""

from __future__ import annotations

import logging
from typing import Any

from django.conf import settings
from django.contrib.auth.signals import user_logged_out
from django.db import transaction
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from sessions_farm.communities.models import RegistryVersion
from support_watch.feed import writes
from support_watch.feed.writes import FeedUnavailableError
from support_watch.models import DeskSettings
from vendors.models import Membership

logger = logging.getLogger(__name__)


def check_screens(*, user: str = "", session: str = "") -> None:
    """Let open screens check their access, once the change is committed; without Redis they do so within seconds."""

    def publish() -> None:
        try:
            writes.publish_access(user=user, session=session)
        except FeedUnavailableError:
            logger.warning("Redis does not take changes of permissions; open screens find them by themselves.")

    transaction.on_commit(publish, robust=True)


@receiver([post_save, post_delete], sender=Membership, dispatch_uid="support_watch.membership_changed")
def membership_changed(*, instance: Membership, **_kwargs: Any) -> None:
    """Check the screens of a person whose role at a vendor has changed."""
    check_screens(user=str(instance.user_id))


@receiver([post_save, post_delete], sender=settings.AUTH_USER_MODEL, dispatch_uid="support_watch.user_changed")
def user_changed(*, instance: Any, created: bool = False, **kwargs: Any) -> None:
    """Check the screens of a user whose account, password or rights have changed."""
    if not created and kwargs.get("update_fields") != {"last_login"}:
        check_screens(user=str(instance.pk))


@receiver(user_logged_out, dispatch_uid="support_watch.signed_out")
def signed_out(*, request: Any, user: Any, **_kwargs: Any) -> None:
    """End the screens of a session that signs out."""
    handle = getattr(getattr(request, "session", None), "key_hash", "")
    if user is not None and handle:
        check_screens(session=handle)


@receiver([post_save, post_delete], sender=DeskSettings, dispatch_uid="support_watch.settings_changed")
def settings_changed(**_kwargs: Any) -> None:
    """Let every node read the vendors' choices anew."""
    RegistryVersion.bump()
