"""Models of orders, consignments and payments; an order copies names and prices instead of joining current ones."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Self
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.search import SearchVector
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy

from cart.orders import carriers, links
from cart.orders.postal_address import PostalAddress
from sessions_farm.communities.query_plans import attach, planned
from vendors import languages
from vendors.models.amount_fields import AmountField, BigAmountField
from vendors.money import Money
from vendors.times import days_as_written

RETURN_GRACE = timedelta(seconds=30)


class Address(PostalAddress):
    """Keep one entry of a user's address book."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    is_default = models.BooleanField(default=False)

    class Meta:
        verbose_name_plural = "addresses"
        constraints = [
            models.UniqueConstraint(fields=["user"], condition=Q(is_default=True), name="orders_address_one_default"),
        ]

    def __str__(self) -> str:
        return f"{self.name}, {self.line1}, {self.town}"


class OrderQuerySet(models.QuerySet["Order"]):
    """Select orders."""

    def placed(self) -> Self:
        """Select placed orders."""
        return self.filter(state=Order.State.PLACED)

    def shown(self) -> Self:
        """Select the orders that lists of shoppers show: settled ones, and those to be paid later."""
        return self.exclude(Q(state=Order.State.EXPIRED) | Q(state=Order.State.DRAFT, pay_by__isnull=True))

    def for_user(self, user: Any, community_id: int) -> Self:
        """Select the orders that the account of a user shows in a community."""
        return self.shown().filter(user=user, marketplace__community=community_id)

    def of_guests(self, emails: Iterable[str], community_id: int) -> Self:
        """Select the orders that guests made with one of these e-mail addresses, in any case, in a community."""
        mails = {email.lower() for email in emails}
        rows = self.shown().filter(user=None, erase_at=None, marketplace__community=community_id)
        return rows.alias(mail=Lower("email")).filter(mail__in=mails)


def new_wish() -> str:
    """Return the name of a checkout of its own, for an order that comes from no checkout session."""
    return uuid.uuid4().hex


class Order(PostalAddress):
    """Record one checkout over all vendors, split into a consignment a vendor; amounts in minor units."""

    class State(models.TextChoices):
        """List the states of an order."""

        DRAFT = "draft", gettext_lazy("waiting for payment")
        PLACED = "placed", gettext_lazy("placed")
        CANCELLED = "cancelled", gettext_lazy("cancelled")
        EXPIRED = "expired", gettext_lazy("not paid in time")

    class Standing(models.TextChoices):
        """List in words how well the shop knew the shopper; the checkout's limits decide it."""

        KNOWN = "known", "paid before"
        FRESH = "fresh", "never paid before"
        SLOW = "slow", "never paid, in the slow lane"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    number = models.CharField(max_length=20, unique=True)
    marketplace = models.ForeignKey("vendors.Marketplace", models.PROTECT, related_name="+")
    visitor = models.ForeignKey("communities.Visitor", models.SET_NULL, null=True, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    email = models.EmailField()
    state = models.CharField(max_length=9, choices=State, default=State.DRAFT)
    idempotency_key = models.CharField(
        max_length=64, unique=True, help_text="One draft for each reviewed cart and agreed amount."
    )
    wish = models.CharField(
        max_length=64,
        default=new_wish,
        db_index=True,
        editable=False,
        help_text="The checkout; its drafts end in one placed order.",
    )
    currency = models.CharField(max_length=3)
    goods_total = BigAmountField(default=0)
    delivery_total = BigAmountField(default=0)
    total = BigAmountField(default=0)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    placed_at = models.DateTimeField(null=True, blank=True)
    held_until = models.DateTimeField(
        default=timezone.now, editable=False, help_text="Until when goods were held for it; the limits count by it."
    )
    network = models.CharField(
        max_length=32, blank=True, editable=False, help_text="A digest of the client's network, for a few hours."
    )
    standing = models.CharField(
        max_length=5, choices=Standing, default=Standing.FRESH, editable=False,
        help_text="Whose limits the checkout used.",
    )  # fmt: skip
    slow_since = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When it took the slow lane of its network."
    )
    pay_by = models.DateTimeField(
        null=True, blank=True, help_text="Of an order that is paid later: its goods are kept until then."
    )
    language = models.CharField(max_length=10, default=languages.current, db_default="en-ie", editable=False)
    remark = models.CharField(max_length=200, blank=True, help_text="Why it was cancelled, in the shopper's words.")
    link_version = models.PositiveIntegerField(
        default=0, db_default=0, editable=False, help_text="Raised to end the links to its page made before."
    )
    erase_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="When it is looked at next to erase its buyer’s data; set when their account is deleted.",
    )

    objects = OrderQuerySet.as_manager()
    _consignments: list[Consignment] | None = None

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["created_at"], name="orders_order_created"),
            models.Index(fields=["erase_at"], condition=Q(erase_at__isnull=False), name="orders_order_to_erase"),
            models.Index(fields=["network", "created_at"], condition=~Q(network=""), name="orders_order_network"),
            models.Index(OpClass(Lower("email"), name="text_pattern_ops"), name="orders_order_email"),
            GinIndex(SearchVector("name", config="simple"), name="orders_order_buyer"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(total=models.F("goods_total") + models.F("delivery_total")), name="orders_order_adds_up"
            ),
            models.UniqueConstraint(
                fields=["wish"], condition=Q(state="placed"), name="orders_order_one_placed_a_wish"
            ),
        ]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        """Return the signed path of the status page on the master."""
        return links.status_path(self.uuid, self.link_version)

    def is_opened_by(self, link: links.OrderLink) -> bool:
        """Return whether a link still opens the page: it has not run out, and was not ended by a newer version."""
        return not link.is_over and link.order == self.uuid and link.version == self.link_version

    @property
    def total_money(self) -> Money:
        """Return the total with its currency."""
        return Money(self.total, self.currency)

    @property
    def is_to_pay(self) -> bool:
        """Return True if the order is made and waits for its payment by other means than a card."""
        return self.state == self.State.DRAFT and self.pay_by is not None

    def placed_of_wish(self) -> Order | None:
        """Return the placed order of the same checkout, which may be this one."""
        return self if self.state == self.State.PLACED else _placed_order.first(self.wish)

    def quantities(self) -> dict[int, int]:
        """Return the pieces of each variant; a deleted variant is left out."""
        found: dict[int, int] = {}
        for line in (line for consignment in self.with_lines() for line in consignment.lines.all()):
            if line.variant_id is not None:
                found[line.variant_id] = found.get(line.variant_id, 0) + line.quantity
        return found

    def with_lines(self) -> list[Consignment]:
        """Return the consignments with their vendors and lines, read once for this object, in one query."""
        if self._consignments is None:
            self._consignments = group_by_consignment(_lines_of(self.pk))
        return self._consignments


class Consignment(models.Model):
    """Record the goods of one order that one vendor sends."""

    class State(models.TextChoices):
        """List the states of a consignment; ``states`` has the transitions."""

        DRAFT = "draft", gettext_lazy("waiting for payment")
        OPEN = "open", gettext_lazy("to be packed")
        PACKED = "packed", gettext_lazy("packed")
        SENT = "sent", gettext_lazy("on its way")
        DELIVERED = "delivered", gettext_lazy("delivered")
        CANCELLED = "cancelled", gettext_lazy("cancelled")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    order = models.ForeignKey(Order, models.PROTECT, related_name="consignments")
    vendor = models.ForeignKey(
        "vendors.Vendor", models.PROTECT, related_name="+", db_index=False, help_text="Indexed together with the state."
    )
    number = models.CharField(max_length=24, unique=True)
    state = models.CharField(max_length=9, choices=State, default=State.DRAFT)
    placed_at = models.DateTimeField(
        "ordered", null=True, blank=True, help_text="The order's time of placing; its age in the queue."
    )
    delivery_method = models.CharField(max_length=20, default="standard")
    delivery_charge = AmountField(default=0)
    days_from = models.PositiveSmallIntegerField(default=0, help_text="Working days on the way, as agreed.")
    days_until = models.PositiveSmallIntegerField(default=0)
    send_by = models.DateTimeField(
        null=True, blank=True, help_text="The end of the day on which it was promised to leave; afterwards it is late."
    )
    promised_from = models.DateField(null=True, blank=True, help_text="The first day on which it should arrive.")
    promised_until = models.DateField(null=True, blank=True, help_text="The last day on which it should arrive.")
    goods_total = BigAmountField(default=0)
    carrier = models.CharField(max_length=60, blank=True)
    tracking_number = models.CharField(max_length=60, blank=True)
    packed_at = models.DateTimeField("packed", null=True, blank=True)
    sent_at = models.DateTimeField("sent", null=True, blank=True)
    printed_at = models.DateTimeField("slip printed", null=True, blank=True)
    note = models.TextField(blank=True, max_length=500, help_text="For the shop’s own people; the buyer never sees it.")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["order", "vendor"], name="orders_consignment_once"),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "cancelled"]) | Q(placed_at__isnull=False),
                name="orders_consignment_open_is_placed",
            ),
        ]
        indexes = [  # the queues of the packing desk: a vendor's, and those of all vendors
            models.Index(fields=["vendor", "state", "send_by", "id"], name="orders_consignment_queue"),
            models.Index(fields=["vendor", "placed_at", "id"], name="orders_consignment_of_vendor"),
            models.Index(fields=["state", "send_by", "id"], name="orders_consignment_all_queue"),
            models.Index(fields=["placed_at", "id"], name="orders_consignment_all"),
            models.Index(
                fields=["tracking_number"],
                name="orders_consignment_tracking",
                condition=~Q(tracking_number=""),
                opclasses=["varchar_pattern_ops"],
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def currency(self) -> str:
        """Return the currency of the order."""
        return self.order.currency

    @property
    def tracking_url(self) -> str:
        """Return the carrier's page that follows this consignment, '' where none is known."""
        return carriers.tracking_url(self.carrier, self.tracking_number)

    @property
    def total(self) -> int:
        """Return the total of goods and delivery, in minor units."""
        total: int = self.goods_total + self.delivery_charge
        return total

    @property
    def sending_day(self) -> date | None:
        """Return the day on which it should leave, by the clock of its vendor, which was read with it."""
        if self.send_by is None:
            return None
        return (self.send_by - timedelta(seconds=1)).astimezone(ZoneInfo(self.vendor.time_zone)).date()

    @property
    def promised(self) -> str:
        """Return the days on which it should arrive, in words; '' where none were promised."""
        return days_as_written(self.promised_from, self.promised_until)


class OrderLine(models.Model):
    """Copy a variant's name and price at the time of the order."""

    consignment = models.ForeignKey(Consignment, models.PROTECT, related_name="lines")
    variant = models.ForeignKey("vendors.Variant", models.PROTECT, null=True, related_name="+")
    sku = models.CharField("SKU", max_length=40)
    name = models.CharField(max_length=240)
    quantity = models.PositiveIntegerField()
    unit_price = AmountField()
    cancelled = models.PositiveIntegerField(
        default=0, db_default=0, help_text="Pieces cancelled before they were sent."
    )
    returned = models.PositiveIntegerField(
        default=0, db_default=0, help_text="Pieces in returns that were asked for and not refused."
    )

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(OpClass(Lower("sku"), name="text_pattern_ops"), name="orders_line_sku")]
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gt=0), name="orders_line_quantity_positive"),
            models.CheckConstraint(
                condition=Q(quantity__gte=models.F("cancelled") + models.F("returned")),
                name="orders_line_no_piece_goes_back_twice",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.name}"

    @property
    def currency(self) -> str:
        """Return the currency of the order."""
        return self.consignment.currency

    @property
    def total(self) -> int:
        """Return the price of all pieces, in minor units."""
        total: int = self.unit_price * self.quantity
        return total

    @property
    def to_pack(self) -> int:
        """Return the pieces that are packed and sent."""
        return self.quantity - self.cancelled

    @property
    def kept(self) -> int:
        """Return the pieces that are neither cancelled nor in a return."""
        return self.quantity - self.cancelled - self.returned


@planned
def _placed_order(wish: str) -> models.QuerySet[Order]:
    return Order.objects.placed().filter(wish=wish)


@planned
def _lines_of(order_id: int) -> models.QuerySet[OrderLine]:
    rows = OrderLine.objects.filter(consignment__order=order_id).select_related("consignment__vendor")
    return rows.order_by("consignment", "pk")


def group_by_consignment(lines: Sequence[OrderLine]) -> list[Consignment]:
    """Return the consignments of lines that were read with theirs, each with its lines."""
    consignments = {line.consignment_id: line.consignment for line in lines}
    attach(consignments.values(), "lines", lines, by="consignment_id")
    return list(consignments.values())


def first_look() -> datetime:
    """Return when the sweeper first looks after a payment that starts now: a returning browser comes before it."""
    return timezone.now() + RETURN_GRACE


class Payment(models.Model):
    """Record one charge at a payment gateway; ``reference`` is its idempotency key."""

    class State(models.TextChoices):
        """List the states of a payment."""

        STARTED = "started", "started"
        CAPTURED = "captured", "paid"
        DECLINED = "declined", "declined"
        REFUND_DUE = "refund_due", "to be refunded"
        REFUNDED = "refunded", "refunded"

    RETURNED = (State.REFUND_DUE, State.REFUNDED)

    order = models.ForeignKey(Order, models.PROTECT, related_name="payments")
    gateway = models.CharField(max_length=20)
    reference = models.CharField(
        max_length=80, help_text="Ours: the gateway makes one charge for it, however often it is asked."
    )
    state = models.CharField(max_length=10, choices=State, default=State.STARTED)
    amount = BigAmountField()
    currency = models.CharField(max_length=3)
    declined_cards = models.PositiveIntegerField(default=0, help_text="As the gateway reported them.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    settled_at = models.DateTimeField(null=True, blank=True)
    next_look_at = models.DateTimeField(
        default=first_look, editable=False, help_text="When the sweeper asks the gateway next, while that may matter."
    )
    looks = models.PositiveIntegerField(default=0, editable=False)
    refund_total = BigAmountField(
        default=0, db_default=0, editable=False, help_text="The sum of the refunds, made or due."
    )

    class Meta:
        indexes = [
            models.Index(
                fields=["next_look_at"], condition=Q(state__in=["started", "refund_due"]), name="orders_payment_due"
            )
        ]
        constraints = [
            models.UniqueConstraint(fields=["gateway", "reference"], name="orders_payment_reference_once"),
            models.UniqueConstraint(
                fields=["order"], condition=Q(state="captured"), name="orders_payment_one_capture_an_order"
            ),
            models.CheckConstraint(
                condition=Q(refund_total__lte=models.F("amount")), name="orders_payment_refunds_within_amount"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.gateway} {self.reference}"


class Refund(models.Model):
    """Record money that goes back from a captured payment, in part or whole; ``key`` is its idempotency key.

    Its parts say of which consignment, and of which line or delivery, it is. The sweeper carries it to the gateway.
    """

    class State(models.TextChoices):
        """List the states of a refund."""

        DUE = "due", "to be given back"
        MADE = "made", "given back"

    payment = models.ForeignKey(Payment, models.PROTECT, related_name="refunds")
    key = models.CharField(max_length=80, unique=True, help_text="Ours: the gateway gives back once for it.")
    state = models.CharField(max_length=4, choices=State, default=State.DUE)
    amount = BigAmountField()
    why = models.CharField(max_length=200)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name="by"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    made_at = models.DateTimeField(null=True, blank=True)
    next_look_at = models.DateTimeField(default=timezone.now, editable=False)
    looks = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["next_look_at"], condition=Q(state="due"), name="orders_refund_due")]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="orders_refund_amount_positive"),
            models.CheckConstraint(
                condition=Q(state="due", made_at__isnull=True) | Q(state="made", made_at__isnull=False),
                name="orders_refund_made_has_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.money}, {self.get_state_display()}"

    @property
    def currency(self) -> str:
        """Return the currency of the payment."""
        return self.payment.currency

    @property
    def money(self) -> Money:
        """Return the amount with its currency."""
        return Money(self.amount, self.currency)


class RefundPart(models.Model):
    """Record the share of a refund that is of one line, or of a consignment's delivery where ``line`` is empty."""

    refund = models.ForeignKey(Refund, models.PROTECT, related_name="parts")
    consignment = models.ForeignKey(Consignment, models.PROTECT, related_name="+")
    line = models.ForeignKey(OrderLine, models.PROTECT, null=True, related_name="+")
    amount = BigAmountField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="orders_refund_part_positive"),
            models.UniqueConstraint(
                fields=["refund", "consignment", "line"], nulls_distinct=False, name="orders_refund_part_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{Money(self.amount, self.currency)} of {self.line or 'delivery'}"

    @property
    def currency(self) -> str:
        """Return the currency of the payment."""
        return self.refund.currency
