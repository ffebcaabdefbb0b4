"""Services of stock alerts: ask, confirm, end, and write the letters of those whose goods are back."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING, Any

from allauth.account.models import EmailAddress
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext

from cart.letters.models import Letter
from cart.letters.services import write_goods_letters
from cart.services import sellable_variants
from cart.stock_alerts import limits
from cart.stock_alerts.errors import InStockError, SoldNoMoreError
from cart.stock_alerts.links import alert_path
from cart.stock_alerts.models import StockAlert
from cart.transactions import in_transaction
from vendors import stock
from vendors.links import storefront_url
from vendors.models import Product, Variant, Vendor
from vendors.storefronts import storefronts

if TYPE_CHECKING:
    from cart.stock_alerts.limits import Asker

BATCH = 200  # letters of one transaction
MOST_BATCHES = 50  # of one run; the next goes on


def sold_variant(variant_id: int, community_id: int) -> Variant | None:
    """Return a variant that an open shop of a community sells, in stock or not; None for any other."""
    return sellable_variants(community_id=community_id, vendor_id=None).filter(pk=variant_id).first()


def is_confirmed_address(user: Any, email: str) -> bool:
    """Return whether a user's account has confirmed a mail address."""
    return bool(EmailAddress.objects.filter(user=user, verified=True, email__iexact=email).exists())


@in_transaction
def ask(*, asker: Asker, variant: Variant, user: Any, is_own: bool, now: datetime) -> StockAlert:
    """Ask for a letter when a variant is back; once for an address and variant, however often.

    ``is_own``: the signed-in user's account has confirmed the address. Any other gets a letter first, in which it
    confirms the alert, at most once an hour. Raise AlertError.
    """
    if stock.available([variant.pk], now)[variant.pk]:
        raise InStockError(gettext("There is some of it now: put it into the cart."))
    found = _find(asker, variant, now)
    alert = found or _write(asker, variant, user, now)
    if is_own and alert.confirmed_at is None:
        StockAlert.objects.filter(pk=alert.pk).update(confirmed_at=now, user=user)
        alert.confirmed_at = now
    if alert.confirmed_at is None:
        write_goods_letters([_letter(Letter.Kind.STOCK_ASKED, alert, f"{alert.pk} {now:%Y-%m-%d %H}")])
    return alert


def _find(asker: Asker, variant: Variant, now: datetime) -> StockAlert | None:
    """Return the alert of an address that waits already; the limits are held before anything is told of it."""
    limits.admit(asker, now)
    found = StockAlert.objects.unsent().filter(variant=variant, email__iexact=asker.email)
    alert: StockAlert | None = found.select_related("variant__product__vendor").first()
    return alert


def _write(asker: Asker, variant: Variant, user: Any, now: datetime) -> StockAlert:
    return StockAlert.objects.create(
        variant=variant,
        marketplace_id=variant.product.vendor.marketplace_id,
        email=asker.email,
        user=user,
        visitor_id=asker.visitor,
        network=asker.network,
        asked_at=now,
    )


@in_transaction
def confirm(*, alert_id: int, now: datetime) -> None:
    """Let an alert wait, by the word of its address. Raise SoldNoMoreError where its goods are not sold any more."""
    alert = StockAlert.objects.select_for_update(of=("self",), no_key=True).filter(pk=alert_id).first()
    if alert is None or not sellable().filter(pk=alert.variant_id).exists():
        raise SoldNoMoreError(gettext("It is not sold any more, so there is nothing to wait for."))
    if alert.confirmed_at is None:
        StockAlert.objects.filter(pk=alert.pk).update(confirmed_at=now)


def end(*, alert_id: int) -> None:
    """End an alert; nothing is written any more."""
    StockAlert.objects.filter(pk=alert_id).delete()


def of_user(user: Any, emails: Collection[str], marketplace_id: int) -> QuerySet[StockAlert]:
    """Select the alerts that an account asked for, or that its confirmed addresses confirmed, in a marketplace."""
    wanted = StockAlert.objects.filter(marketplace=marketplace_id)
    own = wanted.filter(user=user)
    confirmed = wanted.filter(confirmed_at__isnull=False, email__in=list(emails))
    found: QuerySet[StockAlert] = (own | confirmed).select_related("variant__product__vendor")
    return found


def sellable() -> QuerySet[Variant]:
    """Select the variants that open shops sell."""
    return Variant.objects.on_offer().filter(
        product__status=Product.Status.PUBLISHED, product__vendor__status=Vendor.Status.PUBLISHED
    )


def write_due_letters(now: datetime) -> int:
    """Write the letters of waiting alerts whose goods can be had again; return their number."""
    done = 0
    for _ in range(MOST_BATCHES):
        written = _write_batch(now)
        done += written
        if written < BATCH:
            break
    return done


@transaction.atomic
def _write_batch(now: datetime) -> int:
    wanted = StockAlert.objects.waiting().filter(variant__stock__on_hand__gt=0).order_by().values("variant")
    there = list(sellable().filter(pk__in=wanted).values_list("pk", flat=True))
    free = [pk for pk, pieces in stock.available(there, now).items() if pieces]  # not those that checkouts hold
    rows = StockAlert.objects.waiting().filter(variant__in=free).order_by("variant", "pk")
    alerts = list(
        rows.select_related("variant__product__vendor").select_for_update(skip_locked=True, of=("self",))[:BATCH]
    )
    write_goods_letters(_letter(Letter.Kind.STOCK_BACK, alert, str(alert.pk)) for alert in alerts)
    StockAlert.objects.filter(pk__in=[alert.pk for alert in alerts]).update(sent_at=now)
    return len(alerts)


def _letter(kind: Letter.Kind, alert: StockAlert, key: str) -> Letter:
    product = alert.variant.product
    facts = {"name": str(alert.variant), "shop": product.vendor.name, "language": alert.language}
    store = storefronts.by_vendor(product.vendor_id)
    if kind == Letter.Kind.STOCK_ASKED or store is None:
        facts["path"] = alert_path(alert.uuid)
    else:
        facts["url"] = storefront_url(store, "product", slug=product.slug)
    return Letter(marketplace_id=alert.marketplace_id, kind=kind, key=key, to=alert.email, facts=facts)
