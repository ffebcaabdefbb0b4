"""Lets a form's answer lead to the other domains of the community.

Chromium holds each redirect after a POST against ``form-action`` (CSP 3, 6.4.1.1), so a POST that ends in a hand-off is blocked
unless the policy names where it may lead.
"""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils.csp import CSP

from sessions_farm.communities import registry
from sessions_farm.links import origin


class FormActionMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        member = getattr(getattr(request, "mall", None), "member", None)
        if member is not None and not hasattr(response, "_csp_config"):
            hosts = registry.hosts_of(member.community_id)
            response._csp_config = {  # type: ignore[attr-defined] -- as django.views.decorators.csp sets it
                **settings.SECURE_CSP,
                "form-action": [CSP.SELF, *sorted(origin(host) for host in hosts)],
            }
        return response
