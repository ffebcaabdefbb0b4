"""A small mall to buy in: two vendors with goods, on hosts of their own and on the master's path."""

from dataclasses import dataclass, field
from datetime import timedelta

from django.utils import timezone

from cart.checkout.checkout_request import Agreement, CheckoutRequest, destination_in, make_review_key
from cart.checkout.services import start_payment
from cart.orders.models import Order, Payment
from cart.services import add_line
from cart.summary import summarise_cart
from sessions_farm.communities.models import Community, Domain, Visitor
from sessions_farm.communities.registry import registry
from vendors import ledger
from vendors.delivery import DeliveryMethod, Destination
from vendors.models import Category, DeliveryZone, Marketplace, Product, Storefront, Variant, Vendor

MASTER = "mall.localhost"
HERE = Destination("IE")
ADDRESS = {
    "email": "anna@example.org", "name": "Anna Byrne", "line1": "1 Quay Street", "line2": "", "town": "Galway",
    "postcode": "H91 AB12", "country": "IE", "phone": "",
}  # fmt: skip


@dataclass
class Shop:
    marketplace: Marketplace
    category: Category
    vendors: dict[str, Vendor] = field(default_factory=dict)

    @property
    def community(self) -> Community:
        return self.marketplace.community


def make_shop(**fields) -> Shop:
    """The community with its master, and the vendors ``amber`` (own host) and ``basalt`` (path)."""
    community = Community.objects.create(slug="arcade", name="The Arcade", **fields)
    community.master = Domain.objects.create(community=community, host=MASTER, status="active")
    community.save()
    marketplace = Marketplace.objects.create(community=community, currency="EUR")
    category = Category.objects.create(marketplace=marketplace, slug="things", name="Things")
    shop = Shop(marketplace, category)
    add_vendor(shop, "amber", host="amber.localhost", standard=450, free_from=5000)
    add_vendor(shop, "basalt", standard=300, express=900)
    registry.forget()
    return shop


def add_vendor(
    shop, slug, host="", *, standard=0, express=None, free_from=None, countries="IE,GB,US", **fields
) -> Vendor:
    """A vendor that delivers to some countries, and closes never: what it promises depends on the weekend alone."""
    vendor = Vendor.objects.create(
        marketplace=shop.marketplace, name=slug.title(), slug=slug, status=Vendor.Status.PUBLISHED, **fields
    )
    domain = Domain.objects.create(community=shop.community, host=host, status="active") if host else None
    Storefront.objects.create(vendor=vendor, domain=domain)
    DeliveryZone.objects.create(
        vendor=vendor, name="Here", countries=countries, standard_charge=standard, free_from=free_from,
        express_charge=express,
    )  # fmt: skip
    shop.vendors[slug] = vendor
    return vendor


def set_tariff(vendor, **charges) -> None:
    """Change what a vendor charges: ``set_tariff(amber, standard_charge=0)``."""
    DeliveryZone.objects.filter(vendor=vendor).update(**charges)


def add_goods(shop, slug, name, price=1000, on_hand=10) -> Variant:
    product = Product.objects.create(
        vendor=shop.vendors[slug], category=shop.category, name=name, slug=name.lower().replace(" ", "-"),
        status=Product.Status.PUBLISHED,
    )  # fmt: skip
    variant = Variant.objects.create(product=product, sku=f"{slug}-{product.pk}", price=price)
    put_on_hand(variant, on_hand)
    return variant


def put_on_hand(variant, pieces) -> None:
    """Count the pieces of a variant, whatever was on hand."""
    ledger.count({variant.pk: pieces}, why="Counted", now=timezone.now())


def visitor_with(shop, **quantities) -> Visitor:
    """A visitor whose cart has goods: ``visitor_with(shop, lamp=(variant, 2))``."""
    visitor = Visitor.objects.create(community=shop.community)
    for variant, quantity in quantities.values():
        put(visitor, variant, quantity)
    return visitor


def put(visitor, variant, quantity=1):
    return add_line(visitor=visitor, variant_id=variant.pk, quantity=quantity, now=timezone.now())


def request_of(visitor, *, express=(), token="", **contact) -> CheckoutRequest:
    """What the review page would send for the visitor's cart as it is now; ``token`` is the checkout session's."""
    where = ADDRESS | contact
    summary = summarise_cart(visitor, destination_in(where), timezone.now())
    methods = {
        group.vendor.pk: DeliveryMethod.EXPRESS if group.vendor.slug in express else DeliveryMethod.STANDARD
        for group in summary.groups
    }
    token = token or str(visitor.pk)
    drafts = summary.drafts(methods)
    return CheckoutRequest(
        review_key=make_review_key(token, drafts, where),
        agreed=Agreement.of_drafts(drafts),
        token=token,
        contact=where,
        methods=methods,
    )


def begin(visitor, **options) -> Payment:
    """Press "Pay" for the visitor's cart; the payment that waits at the gateway."""
    checkout_request = request_of(visitor, **options)
    start_payment(visitor=visitor, user=None, checkout_request=checkout_request, now=timezone.now())
    payments = Payment.objects.select_related("order__marketplace")
    return payments.get(order__idempotency_key=checkout_request.order_key, state=Payment.State.STARTED)


def later(**duration):
    return timezone.now() + timedelta(**duration)


def order_of(payment) -> Order:
    return Order.objects.get(pk=payment.order_id)
