"""The link in a mail by which a department acknowledges one dispatch: a signed token, good for that key alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.core import signing
from django.urls import reverse

from sessions_farm.communities.links import absolute_url
from sessions_farm.communities.registry import registry

if TYPE_CHECKING:
    from shipping.models import Dispatch

SALT = "shipping.ack"
MAX_AGE = 60 * 24 * 3600  # seconds


class BadLink(ValueError):
    """The link was not made here, is cut off, or is too old."""


def token_of(key: str) -> str:
    return signing.dumps(key, salt=SALT)


def key_of(token: str) -> str:
    try:
        return str(signing.loads(token, salt=SALT, max_age=MAX_AGE))
    except signing.BadSignature as error:
        raise BadLink(
            "This link is not whole or no longer valid; open the newest mail about this consignment."
        ) from error


def ack_url(dispatch: Dispatch) -> str:
    """The page on the mall's own host; empty where the community is no longer served."""
    try:
        master = registry.master_of(dispatch.consignment.vendor.marketplace.community_id)
    except LookupError:
        return ""
    return absolute_url(
        master.host, reverse("shipping:ack", args=[token_of(dispatch.key)], urlconf=settings.ROOT_URLCONF)
    )
