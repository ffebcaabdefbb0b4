"""Middleware that lets a form's redirect lead to the other domains of the community.

Chromium holds each redirect after a POST against ``form-action`` (CSP 3, 6.4.1.1), so a POST that ends in a hand-off
is blocked unless the policy lists its hosts.
"""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils.csp import CSP

from sessions_farm.communities.links import origin
from sessions_farm.communities.registry import Member, registry


class FormActionMiddleware:
    """Add the hosts that a form may lead to, to ``form-action``."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        member = getattr(getattr(request, "mall", None), "member", None)
        if member is not None and not hasattr(response, "_csp_config"):
            response._csp_config = {  # type: ignore[attr-defined]  # noqa: SLF001 -- as the csp decorators
                **settings.SECURE_CSP,
                "form-action": [CSP.SELF, *sorted(origin(host) for host in form_hosts(member))],
            }
        return response


def form_hosts(member: Member) -> list[str]:
    """Return the hosts that a form here may end on, or pass on its way.

    A vendor's form ends on its own host or on the master (the first-add landing), and a hand-off after it goes by the
    master, or by the former one while it is asked; so a vendor's header stays short however many domains the community
    has.
    """
    if member.is_master:
        return registry.hosts_of(member.community_id)
    return [host for host in (member.master_host, member.former_master) if host]
