"""Template tags of the account: its menu, and the way to sign in and back."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode

from django import template
from django.template import Context
from django.urls import reverse

from mall.accounts.menu import MENU
from mall.logs import GRANTS
from sessions_farm.communities import links
from vendors.http import MallRequest
from vendors.links import master_path, master_url

register = template.Library()
SAFE = {"GET", "HEAD"}
LONGEST = 1000  # letters of an address to come back to
MARKS = {"_mall", "ticket"}  # of one way to the page: without an id, or with a ticket that is used


@register.simple_tag(takes_context=True)
def account_menu(context: Context) -> list[dict[str, Any]]:
    """Return the entries of the menu, with the one marked that is shown."""
    match = context["request"].resolver_match
    view = match.view_name if match else ""
    return [{"name": each.name, "url": reverse(each.view), "is_here": each.holds(view)} for each in MENU]


@register.simple_tag(takes_context=True)
def sign_in_url(context: Context) -> str:
    """Return the URL of the sign-in page, which comes back to the page that is shown, on whatever host."""
    request: MallRequest = context["request"]
    mall = getattr(request, "mall", None)
    here = _way_back(request)
    query = f"?{urlencode({'next': here})}" if here else ""
    if mall is None or mall.member is None or mall.is_master:
        return master_path("account_login") + query
    return master_url(mall.member.community_id, "account_login") + query


def _way_back(request: MallRequest) -> str:
    """Return the address to come back to: this page, or the one that the account's entrances have in mind.

    The account's front page stands for a page whose address is a key: it leads to the same orders.
    """
    if request.method not in SAFE:
        return ""
    path = _without_marks(request.get_full_path())
    mall = getattr(request, "mall", None)
    if mall is not None and not mall.is_master:
        path = links.absolute_url(mall.member.host, path)
    elif request.path.startswith("/accounts/"):
        path = request.GET.get("next", "")
    if GRANTS.search(path):
        return reverse("account_home")
    return path if len(path) <= LONGEST else ""


def _without_marks(path: str) -> str:
    name, _, query = path.partition("?")
    pairs = [pair for pair in parse_qsl(query, keep_blank_values=True) if pair[0] not in MARKS]
    return f"{name}?{urlencode(pairs)}" if pairs else name
