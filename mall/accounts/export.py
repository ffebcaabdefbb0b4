"""The data of an account as JSON, for its owner: all that the mall keeps by their name, without secrets."""

from __future__ import annotations

import json
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Prefetch, Q

from cart.aftersale.models import Return
from cart.letters.models import Letter
from cart.models import Line
from cart.orders.models import Address, Consignment, Order, OrderLine, Payment
from cart.orders.postal_address import PostalAddress
from cart.stock_alerts.models import StockAlert
from mall.accounts.device_views import DEVICE, LIMIT
from mall.accounts.models import User
from sessions_farm.communities.models import Visitor
from sessions_farm.session import queries
from vendors.models import Membership, Review
from vendors.money import Money

ADDRESS = [field.name for field in PostalAddress._meta.get_fields()]


def export_account(user: User, visitor: Visitor | None = None) -> str:
    """Return the data as JSON text, with the cart of a visitor who is the user in this browser.

    Amounts are in the currency's main unit, times in UTC.
    """
    data = {
        "account": {name: getattr(user, name) for name in ("email", "name", "date_joined", "last_login")},
        "mail_addresses": list(EmailAddress.objects.filter(user=user).values("email", "verified", "primary")),
        "addresses": [_address(entry) | {"is_default": entry.is_default} for entry in _addresses(user)],
        "sign_in": list(Authenticator.objects.filter(user=user).values("type", "created_at", "last_used_at")),
        "devices": [_device(one) for one in queries.devices(user, limit=LIMIT)],
        "works_for": list(Membership.objects.filter(user=user).values("vendor__name", "role")),
        "cart": [{"goods": str(line.variant), "quantity": line.quantity} for line in _cart_lines(user, visitor)],
        "orders": [_order(order) for order in _orders(user)],
        "returns": [_return(each) for each in _returns(user)],
        "stock_alerts": list(
            StockAlert.objects.filter(user=user).values("variant__product__name", "email", "asked_at", "sent_at")
        ),
        "reviews": list(
            Review.objects.filter(order__in=Order.objects.filter(user=user).values("uuid")).values(
                "product__name", "stars", "name", "text", "state", "why", "answer", "written_at"
            )
        ),
        "letters": list(Letter.objects.filter(order__user=user).values("order__number", "kind", "created_at")),
    }
    return json.dumps(data, cls=DjangoJSONEncoder, indent=1, ensure_ascii=False)


def _addresses(user: User) -> Any:
    return Address.objects.filter(user=user).order_by("pk")


def _cart_lines(user: User, visitor: Visitor | None) -> Any:
    own = Q(cart__visitor__user=user) | Q(cart__visitor=visitor, cart__visitor__user=None)
    return Line.objects.filter(own).select_related("variant__product").order_by("pk")


def _orders(user: User) -> Any:
    lines = Prefetch("lines", OrderLine.objects.order_by("pk"))
    consignments = Consignment.objects.select_related("vendor").prefetch_related(lines)
    payments = Payment.objects.prefetch_related("refunds").order_by("pk")
    related = (Prefetch("consignments", consignments), Prefetch("payments", payments))
    return Order.objects.filter(user=user).order_by("pk").prefetch_related(*related)


def _returns(user: User) -> Any:
    rows = Return.objects.filter(consignment__order__user=user).select_related("consignment")
    return rows.prefetch_related("lines__line").order_by("pk")


def _address(row: PostalAddress) -> dict[str, str]:
    return {name: str(getattr(row, name)) for name in ADDRESS}


def _device(one: queries.LiveSession) -> dict[str, Any]:
    return {"name": one.shared.get(DEVICE, ""), "since": one.created_at, "last_seen": one.seen_at}


def _order(order: Order) -> dict[str, Any]:
    amounts = {name: Money(getattr(order, name), order.currency).major for name in ("goods_total", "delivery_total")}
    return {
        **{name: getattr(order, name) for name in ("number", "state", "email", "phone", "created_at", "placed_at")},
        "address": _address(order),
        "currency": order.currency,
        **amounts,
        "total": order.total_money.major,
        "consignments": [_consignment(each, order.currency) for each in order.consignments.all()],
        "payments": [_payment(each) for each in order.payments.all()],
    }


def _consignment(row: Consignment, currency: str) -> dict[str, Any]:
    return {
        "shop": row.vendor.name,
        **{name: getattr(row, name) for name in ("number", "state", "carrier", "tracking_number", "sent_at")},
        "delivery_charge": Money(row.delivery_charge, currency).major,
        "lines": [_line(line, currency) for line in row.lines.all()],
    }


def _line(line: OrderLine, currency: str) -> dict[str, Any]:
    fields = {name: getattr(line, name) for name in ("name", "sku", "quantity", "cancelled", "returned")}
    return fields | {"unit_price": Money(line.unit_price, currency).major}


def _payment(row: Payment) -> dict[str, Any]:
    return {
        **{name: getattr(row, name) for name in ("gateway", "state", "created_at", "settled_at")},
        "amount": Money(row.amount, row.currency).major,
        "refunds": [
            {"amount": Money(each.amount, row.currency).major, "why": each.why, "state": each.state}
            for each in row.refunds.all()
        ],
    }


def _return(row: Return) -> dict[str, Any]:
    return {
        "consignment": row.consignment.number,
        **{name: getattr(row, name) for name in ("state", "why", "answer", "asked_at")},
        "lines": [{"goods": line.line.name, "pieces": line.pieces} for line in row.lines.all()],
    }
