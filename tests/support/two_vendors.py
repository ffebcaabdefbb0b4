"""Two vendors side by side, each with a row of everything that vendor staff meet in the admin.

Every text of a vendor's rows holds the vendor's mark, so that a page that shows the other's rows shows the mark.
"""

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from uuid import uuid4

from django.utils import timezone
from model_bakery import baker

from cart.aftersale.models import Return, ReturnLine
from cart.orders.models import Consignment, Order, OrderLine
from mall.accounts.models import User
from sessions_farm.communities.models import Community, Domain
from shipping.models import Department, Dispatch, Route, ScriptRun
from support_watch.models import SupportVisit
from tests.support.consignments import PROMISED
from vendors import ledger
from vendors.models import (
    Category,
    DeliveryZone,
    Marketplace,
    Membership,
    Product,
    Review,
    Stock,
    StockMovement,
    Storefront,
    Variant,
    Vendor,
)

MASTER = "mall.localhost"


@dataclass
class Side:
    """One vendor: its mark, its people by role, and one row of each model."""

    mark: str
    vendor: Vendor
    staff: dict[str, User]
    rows: dict[type, Any] = field(default_factory=dict)


def make_marketplace(slug: str = "arcade", master: str = MASTER) -> Marketplace:
    community = Community.objects.create(slug=slug, name=f"The {slug.title()}", cookie_name=slug)
    community.master = Domain.objects.create(community=community, host=master, status="active")
    community.save()
    return Marketplace.objects.create(community=community, currency="EUR")


def make_side(mark: str, marketplace: Marketplace) -> Side:
    slug = mark.lower()
    vendor = baker.make(Vendor, marketplace=marketplace, name=f"{mark} & Co", slug=slug, status="published")
    Storefront.objects.create(vendor=vendor)
    staff = {role: make_staff(f"{slug}-{role}", vendor, role) for role in Membership.Role.values}
    side = Side(mark, vendor, staff)
    side.rows[Vendor] = vendor
    side.rows[DeliveryZone] = DeliveryZone.objects.create(
        vendor=vendor, name=f"{mark} country", countries="IE,GB", standard_charge=500, postcodes=""
    )
    add_goods(side)
    add_order(side)
    side.rows[SupportVisit] = SupportVisit.objects.create(
        vendor=vendor, visit=slug, subject=slug, page=mark, path=f"/{mark}/", arrived_at=timezone.now()
    )
    return side


def make_staff(name: str, vendor: Vendor, role: str) -> User:
    user = User.objects.create_user(f"{name}@example.org", "secret", name=name.title(), is_staff=True)
    Membership.objects.create(vendor=vendor, user=user, role=role)
    return user


def add_goods(side: Side) -> None:
    category, _ = Category.objects.get_or_create(
        marketplace=side.vendor.marketplace, slug="things", defaults={"name": "Things"}
    )
    product = Product.objects.create(
        vendor=side.vendor, category=category, name=f"{side.mark} lamp", slug="lamp", status="published"
    )
    variant = Variant.objects.create(product=product, name=side.mark, sku=f"{side.mark}-1", price=1000)
    ledger.count({variant.pk: 5}, why=f"{side.mark} shelf", now=timezone.now(), user=side.staff["catalogue"])
    stock = Stock.objects.get(pk=variant.pk)
    side.rows[Review] = Review.objects.create(
        product=product, line=product.pk, order=uuid4(), stars=4, text=f"{side.mark} shines", written_at=timezone.now(),
        answer=f"{side.mark} thanks you",
    )  # fmt: skip
    side.rows |= {Product: product, Variant: variant, Stock: stock, StockMovement: stock.movements.get()}


def add_order(side: Side) -> None:
    now = timezone.now()
    order = Order.objects.create(
        number=f"M-{side.mark}", marketplace=side.vendor.marketplace, name=f"{side.mark} buyer", line1="1 Quay",
        town="Cork", email=f"buyer@{side.mark.lower()}.example", state="placed", idempotency_key=side.mark,
        currency="EUR", goods_total=1000, total=1000, placed_at=now,
    )  # fmt: skip
    consignment = Consignment.objects.create(
        order=order, vendor=side.vendor, number=f"M-{side.mark}-1", state="open", goods_total=1000, placed_at=now,
        send_by=now + PROMISED,
    )  # fmt: skip
    OrderLine.objects.create(consignment=consignment, sku="1", name=f"{side.mark} lamp", quantity=1, unit_price=1000)
    department = Department.objects.create(vendor=side.vendor)
    route = Route.objects.create(department=department, transport="email", config={"to": f"{side.mark}@example.org"})
    body = side.mark.encode()
    dispatch = Dispatch.objects.create(
        consignment=consignment, key=f"csg_{side.mark}_r1", body=body, sha256=sha256(body).hexdigest(), route=route,
        next_at=now,
    )  # fmt: skip
    run = ScriptRun.objects.create(
        route=route, key=f"run_{side.mark}", script=f"{side.mark}_report", seconds=60, next_at=now, until=now,
        data=side.mark, arguments={"shelf": side.mark},
    )  # fmt: skip
    returned = Return.objects.create(consignment=consignment, key=side.mark, why=f"{side.mark} is too small")
    ReturnLine.objects.create(returned=returned, line=consignment.lines.get(), pieces=1)
    side.rows |= {Return: returned, Consignment: consignment, Department: department, Route: route, Dispatch: dispatch}
    side.rows[ScriptRun] = run
