"""Middleware that lets a form's redirect pass the community's master, and its former one while that is asked.

Chromium holds each redirect after a POST against ``form-action`` (CSP 3, 6.4.1.1). A store's form ends on its own host
or on the master (the first-add landing), and a hand-off after it goes by these two. A form of the master leads to any
other host by a page (mall.onward), never by a redirect: so no policy grows with the number of domains.
"""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils.csp import CSP

from sessions_farm.communities.handoff.former_master import authorities_of
from sessions_farm.communities.links import origin


class FormActionMiddleware:
    """Add the hosts that a form's answer may pass, to ``form-action``."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        member = getattr(getattr(request, "mall", None), "member", None)
        if member is not None and not hasattr(response, "_csp_config"):
            hosts = authorities_of(member) - {member.host}
            response._csp_config = {  # type: ignore[attr-defined]  # noqa: SLF001 -- as the csp decorators
                **settings.SECURE_CSP,
                "form-action": [CSP.SELF, *sorted(origin(host) for host in hosts)],
            }
        return response
