"""Facts that a department's program must know of a route: addresses of the mall, and keys."""

from __future__ import annotations

from django.conf import settings
from django.urls import reverse

from sessions_farm.communities.links import absolute_url
from sessions_farm.communities.registry import registry
from shipping import transports
from shipping.encryption import InvalidToken
from shipping.models import Route
from shipping.transports.base import AckPolicy, PullTransport
from shipping.transports.pull_ftp import PullFtpTransport


def of_route(route: Route) -> list[tuple[str, str]]:
    """Return the facts with their names."""
    transport = transports.get_transport(route.transport)
    try:
        found = transport.settings.facts(route.config, route.secrets)
    except InvalidToken:
        found = []
    if issubclass(transport, PullTransport) or route.acknowledged_by == AckPolicy.CALLBACK:
        root = api_root(route.department.vendor.marketplace.community_id)
        found = [*found, ("Address of the mall for its program", root), ("OpenAPI document", f"{root}openapi.json")]
    if route.transport == "pull_ftp":
        found = [*found, *_drop_folder(route)]
    return found


def _drop_folder(route: Route) -> list[tuple[str, str]]:
    vendor = route.department.vendor
    user = PullFtpTransport.user_of(vendor.slug, route.department_id)
    try:
        host = registry.master_of(vendor.marketplace.community_id).host
    except LookupError:
        host = "the mall’s host"
    public = settings.DROP_FOLDER_PUBLIC_KEY
    key = public.read_text().strip() if public.exists() else "made when the server starts: manage.py sftpd"
    return [("Folder", f"sftp://{user}@{host}:{settings.DROP_FOLDER_PORT}"), ("Host key of the mall", key)]


def api_root(community_id: int) -> str:
    """Return the address of the pickup API on the community's master; empty where the community is not served."""
    try:
        master = registry.master_of(community_id)
    except LookupError:
        return ""
    return absolute_url(master.host, reverse("pickup:api-root", urlconf=settings.ROOT_URLCONF))
