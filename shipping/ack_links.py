"""Signed links in mails by which a department acknowledges one dispatch; each token is valid for one key."""

from __future__ import annotations

from django.conf import settings
from django.core import signing
from django.urls import reverse

from sessions_farm.communities.links import absolute_url
from sessions_farm.communities.registry import registry

SALT = "shipping.ack"
MAX_AGE = 60 * 24 * 3600  # seconds


class AckLinkError(ValueError):
    """The link is forged, cut off or too old."""


def make_token(key: str) -> str:
    """Return the signed token for a dispatch's key."""
    return signing.dumps(key, salt=SALT)


def read_token(token: str) -> str:
    """Return the key that a token was made for; raise AckLinkError for any other text."""
    try:
        return str(signing.loads(token, salt=SALT, max_age=MAX_AGE))
    except signing.BadSignature as error:
        raise AckLinkError(
            "This link is not whole or no longer valid; open the newest mail about this consignment."
        ) from error


def ack_url(key: str, community_id: int) -> str:
    """Return the address of the acknowledgement page on the master; empty where the community is not served."""
    try:
        master = registry.master_of(community_id)
    except LookupError:
        return ""
    return absolute_url(master.host, reverse("shipping:ack", args=[make_token(key)], urlconf=settings.ROOT_URLCONF))
