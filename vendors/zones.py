"""The delivery zones of vendors as rows of another query bring them, in one statement with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet
from django.db.models.functions import JSONObject

from sessions_farm.communities.query_plans import planned
from vendors.delivery import Calendar, DeliveryMethod, Destination, Promise, Rate, Zone, promise, zone_for
from vendors.models import DeliveryZone, Vendor

COLUMNS = (
    "name", "countries", "postcodes", "standard_charge", "free_from", "standard_days_from", "standard_days_until",
    "express_charge", "express_days_from", "express_days_until",
)  # fmt: skip


def zone_rows(vendor: str) -> ArraySubquery:
    """Return an expression for the zones of the vendor that a lookup leads to, for ``read_zones``."""
    own = DeliveryZone.objects.filter(vendor=OuterRef(vendor)).order_by("name", "pk")
    return ArraySubquery(own.values(row=JSONObject(**{name: name for name in COLUMNS})))


def read_zones(rows: Iterable[Mapping[str, Any]]) -> tuple[Zone, ...]:
    """Return the zones of rows as ``zone_rows`` brings them."""
    return tuple(
        Zone(frozenset(row["countries"].split(",")), tuple(row["postcodes"].split()), _rates(row)) for row in rows
    )


def _rates(row: Mapping[str, Any]) -> dict[DeliveryMethod, Rate]:
    rates = {}
    for method, free_from in ((DeliveryMethod.STANDARD, row["free_from"]), (DeliveryMethod.EXPRESS, None)):
        if row[f"{method}_charge"] is not None:
            rates[method] = Rate(
                row[f"{method}_charge"], row[f"{method}_days_from"], row[f"{method}_days_until"], free_from
            )
    return rates


def calendar_of(vendor: Vendor) -> Calendar:
    """Return when a vendor's goods leave."""
    return Calendar(
        ZoneInfo(vendor.time_zone), vendor.cut_off, frozenset(vendor.sending_days), frozenset(vendor.closed_days)
    )


@dataclass(frozen=True, slots=True)
class DeliveryOffer:
    """Hold one way of delivery to a destination, and when goods come by it that are ordered now."""

    method: DeliveryMethod
    rate: Rate
    promise: Promise


def delivery_offers(vendor: Any, destination: Destination, now: datetime) -> list[DeliveryOffer]:
    """Return the ways of delivery of a vendor of ``vendor_with_zones``; none where it does not deliver there."""
    zone, calendar = zone_for(read_zones(vendor.zone_rows), destination), calendar_of(vendor)
    return [
        DeliveryOffer(method, rate, promise(calendar, now, rate.days_from, rate.days_until))
        for method, rate in (zone.rates.items() if zone else ())
    ]


@planned
def zones_of_store(vendor_id: int) -> QuerySet[DeliveryZone]:
    """Select the zones of a vendor, those too that it does not deliver to."""
    return DeliveryZone.objects.filter(vendor=vendor_id)


@planned
def vendor_with_zones(vendor_id: int) -> QuerySet[Vendor]:
    """Select a vendor with the rows of its zones."""
    return Vendor.objects.filter(pk=vendor_id).annotate(zone_rows=zone_rows("pk"))
