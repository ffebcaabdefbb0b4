"""The menu by task at the side of every admin page; vendors' staff and the mall's have one each.

A page comes into the menu by one ``Entry`` in the group of its task, in ``VENDOR_MENU``, ``MALL_MENU`` or both:

- the list of a registered model: ``rows("Stock", "vendors.stock")``, shown to those who may view it;
- another page, by its URL name: ``Entry("Packing desk", "admin:orders_packing", may=allowed_to("orders.…"))``,
  where ``may`` takes the request; without it everybody of that menu sees the entry;
- a page of a vendor, whose URL takes the vendor's pk (or slug: ``by="slug"``): ``Entry("People",
  "admin:vendors_vendor_people", roles={OWNER})``; it stands there once for each vendor where the user has a role of it.

The pages below an entry's address (its rows, forms and histories) mark it as the place where one is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.contrib import admin
from django.urls import reverse

from mall.admin_site.letters_page import may_look
from mall.admin_site.reconciliation_page import may_reconcile
from vendors.models import Membership, Vendor
from vendors.scoped_admin import may_see_all, vendor_ids
from vendors.stylesheets import look_url

if TYPE_CHECKING:
    from django.http import HttpRequest

OWNER, SUPPORT = Membership.Role.OWNER, Membership.Role.SUPPORT
May = Callable[["HttpRequest"], bool]


@dataclass(frozen=True, slots=True)
class Entry:
    """Lead to one page, or to that page of each vendor where the user has one of ``roles``."""

    label: str
    page: str
    may: May | None = None
    roles: frozenset[str] | set[str] = frozenset()
    by: str = "pk"


@dataclass(frozen=True, slots=True)
class Group:
    """Hold the entries of one task."""

    label: str
    entries: tuple[Entry, ...]


@dataclass(slots=True)
class Link:
    """Hold an entry, or a group with its entries, as one request's menu shows it."""

    label: str
    url: str
    is_here: bool = False  # it is this page, or one below
    is_page: bool = False  # it is this page itself
    links: list[Link] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Menu:
    """Hold the menu of a request, and the shop in whose name the user works."""

    groups: list[Link]
    heading: str  # the vendor's name; empty for the mall's staff
    look: str  # the URL of the stylesheet with the vendor's colours; empty where it is not one vendor

    @property
    def section(self) -> Link | None:
        """Return the entry that this page is below, None where it is its own."""
        found = next((link for group in self.groups for link in group.links if link.is_here), None)
        return None if found is None or found.is_page else found

    @property
    def here(self) -> str:
        """Return the label of the entry that is this page, '' where none is."""
        return next((link.label for group in self.groups for link in group.links if link.is_page), "")


def rows(label: str, model: str) -> Entry:
    """Return the entry of the list of a registered model."""
    app_label, name = model.split(".")

    def may(request: HttpRequest) -> bool:
        options = admin.site.get_model_admin(apps.get_model(model))
        return bool(options.has_view_permission(request))

    return Entry(label, f"admin:{app_label}_{name}_changelist", may)


VENDOR_MENU = (
    Group("Today", (Entry("Today", "admin:index"), rows("Jobs", "jobs.job"))),
    Group("Orders", (rows("Orders", "orders.consignment"), rows("Returns", "aftersale.return"))),
    Group(
        "Products",
        (
            rows("Products", "vendors.product"),
            rows("Variants", "vendors.variant"),
            rows("Reviews", "vendors.review"),
        ),
    ),
    Group("Stock", (rows("Stock", "vendors.stock"), rows("Movements", "vendors.stockmovement"))),
    Group(
        "Delivery",
        (
            rows("Zones and prices", "vendors.deliveryzone"),
            rows("Dispatches", "shipping.dispatch"),
            rows("Departments", "shipping.department"),
            rows("Routes", "shipping.route"),
            rows("Scripts on agents", "shipping.scriptrun"),
        ),
    ),
    Group(
        "Support",
        (
            Entry("Live desk", "watch:vendor", roles={OWNER, SUPPORT}, by="slug"),
            Entry("Desk settings", "watch:settings", roles={OWNER}, by="slug"),
            rows("Visits", "support_watch.supportvisit"),
        ),
    ),
    Group(
        "Shop",
        (
            Entry("Shop", "admin:vendors_vendor_change", roles={OWNER}),
            Entry("Domains", "admin:vendors_vendor_domains", roles={OWNER}),
            Entry("Approval", "admin:setup", roles={OWNER}),
        ),
    ),
    Group("People", (Entry("People", "admin:vendors_vendor_people", roles={OWNER}),)),
)

MALL_MENU = (
    Group("Today", (Entry("Today", "admin:index"), rows("Jobs", "jobs.job"))),
    Group(
        "Orders",
        (
            rows("Orders", "orders.order"),
            rows("Consignments", "orders.consignment"),
            rows("Returns", "aftersale.return"),
            rows("Letters", "letters.letter"),
            Entry("Kinds of letter", "admin:letter_kinds", may=may_look),
            rows("Carts", "cart.cart"),
        ),
    ),
    Group(
        "Payments & refunds",
        (
            rows("Refunds", "orders.refund"),
            rows("Bank transfers", "manual_gateway.transfer"),
            rows("Transfers back", "manual_gateway.backtransfer"),
            Entry("Reconciliation", "admin:reconciliation", may=may_reconcile),
        ),
    ),
    Group(
        "Vendors",
        (
            rows("Vendors", "vendors.vendor"),
            rows("Storefronts", "vendors.storefront"),
            rows("Vendors’ domains", "vendors.vendordomain"),
            rows("Marketplaces", "vendors.marketplace"),
        ),
    ),
    Group(
        "Goods",
        (
            rows("Products", "vendors.product"),
            rows("Variants", "vendors.variant"),
            rows("Stock", "vendors.stock"),
            rows("Movements", "vendors.stockmovement"),
            rows("Categories", "vendors.category"),
            rows("Synonyms", "vendors.synonym"),
            rows("Reviews", "vendors.review"),
        ),
    ),
    Group(
        "Delivery",
        (
            rows("Zones and prices", "vendors.deliveryzone"),
            rows("Dispatches", "shipping.dispatch"),
            rows("Departments", "shipping.department"),
            rows("Routes", "shipping.route"),
            rows("Scripts on agents", "shipping.scriptrun"),
        ),
    ),
    Group("Support", (rows("Visits", "support_watch.supportvisit"),)),
    Group(
        "Users",
        (
            rows("Users", "accounts.user"),
            rows("E-mail addresses", "account.emailaddress"),
            rows("Second factors", "mfa.authenticator"),
            rows("Sessions", "sessions_farm.session"),
        ),
    ),
    Group("Domains", (rows("Domains", "communities.domain"), rows("Communities", "communities.community"))),
    Group("Audit log", (rows("Audit log", "auditlog.logentry"),)),
)


def menu_of(request: HttpRequest) -> Menu:
    """Return the menu of the signed-in user."""
    if may_see_all(request):
        return Menu(_groups(request, MALL_MENU, []), heading="", look="")
    everywhere = vendor_ids(request, set(Membership.Role.values))
    vendors = list(Vendor.objects.filter(pk__in=everywhere).order_by("name"))
    only = vendors[0] if len(vendors) == 1 else None
    return Menu(
        _groups(request, VENDOR_MENU, vendors),
        heading=", ".join(vendor.name for vendor in vendors),
        look=look_url(only.accent, only.paper, only.ink) if only else "",
    )


def _groups(request: HttpRequest, menu: tuple[Group, ...], vendors: list[Vendor]) -> list[Link]:
    groups = []
    for group in menu:
        links = [link for entry in group.entries for link in _links(request, entry, vendors)]
        if links:
            groups.append(Link(group.label, links[0].url, links=links))
    _mark_here(request.path, groups)
    return groups


def _links(request: HttpRequest, entry: Entry, vendors: list[Vendor]) -> Iterator[Link]:
    if entry.roles:
        ids = vendor_ids(request, entry.roles)
        own = [vendor for vendor in vendors if vendor.pk in ids]
        for vendor in own:
            label = entry.label if len(vendors) == 1 else f"{entry.label}: {vendor}"
            yield Link(label, reverse(entry.page, args=[getattr(vendor, entry.by)]))
    elif entry.may is None or entry.may(request):
        yield Link(entry.label, reverse(entry.page))


def _mark_here(path: str, groups: list[Link]) -> None:
    """Mark the entry with the longest address that the path is at or below, and its group."""
    best: tuple[int, Any] = (0, None)
    index = reverse("admin:index")
    for group in groups:
        for link in group.links:
            link.is_page = link.url == path
            place = link.url.removesuffix("change/")
            is_below = path == place if place == index else path.startswith(place)
            if is_below and len(place) > best[0]:
                best = (len(place), (group, link))
    if best[1]:
        for link in best[1]:
            link.is_here = True
