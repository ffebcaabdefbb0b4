"""The set-up of a vendor's store: the steps to approval, which are done, and where each is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Exists, OuterRef
from django.urls import reverse

from shipping.models import Department, Route
from vendors.models import DeliveryZone, Membership, Product, Stock, Vendor, VendorDomain
from vendors.scoped_admin import vendor_ids

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest

OWNER = Membership.Role.OWNER


@dataclass(frozen=True, slots=True)
class Step:
    """Hold one step: its words, its page, and whether it is done."""

    label: str
    hint: str
    url: str
    is_done: bool
    is_optional: bool = False


@dataclass(frozen=True, slots=True)
class Setup:
    """Hold the steps of one vendor."""

    vendor: Vendor
    steps: list[Step]

    @property
    def missing(self) -> list[str]:
        """Return the steps that are needed and not done."""
        return [step.label for step in self.steps if not (step.is_done or step.is_optional)]

    @property
    def state(self) -> str:
        """Return the state of the store, as a sentence."""
        remark = f" The mall says: “{self.vendor.remark}”" if self.vendor.remark else ""
        match self.vendor.status:
            case Vendor.Status.DRAFT if remark:
                return f"The mall sent it back.{remark}"
            case Vendor.Status.DRAFT:
                return "It is being set up, and shoppers do not see it yet."
            case Vendor.Status.ASKED:
                return "It waits for the mall’s approval; you can still change everything."
            case Vendor.Status.SUSPENDED:
                return f"The mall closed it.{remark}"
        return "It is open."


def with_progress() -> QuerySet[Any]:
    """Annotate vendors with the finished parts of their set-up, in one query."""
    stocked = Stock.objects.filter(
        variant__product__vendor=OuterRef("pk"), variant__product__status=Product.Status.PUBLISHED, on_hand__gt=0
    )
    served = DeliveryZone.objects.exclude(standard_charge=None, express_charge=None)
    rows: QuerySet[Any] = Vendor.objects.select_related("marketplace").annotate(
        has_product=Exists(Product.objects.filter(vendor=OuterRef("pk"))),
        has_stocked=Exists(stocked),
        has_zone=Exists(served.filter(vendor=OuterRef("pk"))),
        has_department=Exists(Department.objects.filter(vendor=OuterRef("pk"))),
        has_route=Exists(Route.objects.filter(department__vendor=OuterRef("pk"))),
        has_domain=Exists(VendorDomain.objects.filter(vendor=OuterRef("pk"))),
    )
    return rows


def setup_of(vendor: Any) -> Setup:
    """Return the steps of a vendor that has its progress."""
    shop = reverse("admin:vendors_vendor_change", args=[vendor.pk])
    goods = "changelist" if vendor.has_product else "add"
    way = "route" if vendor.has_department else "department"
    steps = [
        Step("Look", "A line about the shop, its story and its colours.", shop, bool(vendor.tagline and vendor.about)),
        Step(
            "First product",
            "One published product with pieces on hand.",
            reverse(f"admin:vendors_product_{goods}"),
            vendor.has_stocked,
        ),
        Step(
            "Delivery",
            "Where you deliver, what it costs there and how long it takes.",
            reverse(f"admin:vendors_deliveryzone_{'changelist' if vendor.has_zone else 'add'}"),
            vendor.has_zone,
        ),
        Step(
            "Returns",
            "On which days you send, how long goods may come back, and how.",
            shop,
            bool(vendor.returns_text),
        ),
        Step(
            "Shipping route",
            "How your department hears of orders: by mail, by HTTP or by SFTP.",
            reverse(f"admin:shipping_{way}_add"),
            vendor.has_route,
        ),
        Step(
            "Domain of your own",
            "Without one, the shop is in the mall.",
            reverse("admin:vendors_vendor_domains", args=[vendor.pk]),
            vendor.has_domain,
            is_optional=True,
        ),
    ]
    if vendor.marketplace.vendor_terms:
        page = f"{reverse('admin:setup', args=[vendor.pk])}#terms"
        steps.insert(0, Step("Terms", "Read and accept them.", page, vendor.terms_accepted_at is not None))
    return Setup(vendor, steps)


def open_setups(request: HttpRequest) -> list[Setup]:
    """Return the set-ups of the user's own stores that are not open."""
    rows = with_progress().filter(pk__in=vendor_ids(request, {OWNER})).exclude(status=Vendor.Status.PUBLISHED)
    return [setup_of(vendor) for vendor in rows.order_by("name")]
