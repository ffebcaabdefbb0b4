"""Limits on stock alerts, against letters to strangers and a list without end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import connection
from django.db.models import Count, Q
from django.db.models.functions import Lower
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext

from cart.stock_alerts.errors import TooManyAlertsError
from cart.stock_alerts.models import StockAlert
from sessions_farm.web.clients import telling_network_of

if TYPE_CHECKING:
    from django.http import HttpRequest

WINDOW = timedelta(days=1)
A_VISITOR, A_NETWORK, AN_ADDRESS = 20, 40, 10  # in that time
WAITING_AT_ONCE = 50  # for one address


@dataclass(frozen=True, slots=True)
class Asker:
    """Name the asker: the address that the letter goes to, the visitor, and a digest of the network, '' if unknown."""

    email: str
    visitor: UUID | None
    network: str


def network_digest(request: HttpRequest) -> str:
    """Return a keyed hash of a client's network, so that none is stored; empty where its address tells nothing."""
    network = telling_network_of(request)
    return salted_hmac("cart.stock_alerts.network", network, algorithm="sha256").hexdigest()[:32] if network else ""


def admit(asker: Asker, now: datetime) -> None:
    """Raise TooManyAlertsError where an asker has used up a limit; those of one address or network come in turn."""
    with connection.cursor() as cursor:
        for name in sorted(filter(None, (asker.email.lower(), asker.network, str(asker.visitor or "")))):
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"stock alert {name}"])
    of_address = Q(mail=asker.email.lower())
    of_network = Q(network=asker.network) if asker.network else Q(pk=None)
    of_visitor = Q(visitor=asker.visitor) if asker.visitor else Q(pk=None)
    lately = Q(asked_at__gt=now - WINDOW)
    rows = StockAlert.objects.alias(mail=Lower("email")).filter(of_address | of_network | of_visitor)
    found = rows.aggregate(
        visitor=Count("pk", filter=of_visitor & lately),
        network=Count("pk", filter=of_network & lately),
        address=Count("pk", filter=of_address & lately),
        waiting=Count("pk", filter=of_address & Q(sent_at=None)),
    )
    faults = (
        (found["visitor"] >= A_VISITOR, gettext("You asked for many things today. Ask for more tomorrow.")),
        (found["network"] >= A_NETWORK, gettext("Many asked from your network today. Ask tomorrow.")),
        (found["address"] >= AN_ADDRESS, gettext("Many were asked for with this address today. Ask tomorrow.")),
        (
            found["waiting"] >= WAITING_AT_ONCE,
            gettext("This address waits for as many things as it may. End one of them first."),
        ),
    )
    if words := next((words for is_over, words in faults if is_over), ""):
        raise TooManyAlertsError(words)


def forget_networks(now: datetime) -> int:
    """Take the networks off the alerts that no limit counts any more; return their number."""
    return int(StockAlert.objects.filter(asked_at__lte=now - 2 * WINDOW).exclude(network="").update(network=""))
