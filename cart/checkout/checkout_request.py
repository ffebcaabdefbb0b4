"""The request to check out: the reviewed cart, and the agreed amount."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from cart.pricing import ConsignmentDraft
from vendors.delivery import DeliveryMethod, Destination

ADDRESS_FIELDS = ("name", "line1", "line2", "postcode", "town", "country", "phone")


@dataclass(frozen=True, slots=True)
class Agreement:
    """Hold the agreed amounts, in minor units: the total, each unit price and each delivery charge.

    ``prices`` are by variant, ``charges`` by vendor.
    """

    total: int
    prices: Mapping[int, int]
    charges: Mapping[int, int]

    @classmethod
    def of_drafts(cls, drafts: Iterable[ConsignmentDraft]) -> Self:
        """Return the agreement that a review of these consignments asks for."""
        drafts = list(drafts)
        return cls(
            total=sum(draft.total for draft in drafts),
            prices={line.variant_id: line.unit_price for draft in drafts for line in draft.lines},
            charges={draft.vendor_id: draft.delivery_charge for draft in drafts},
        )

    def dumps(self) -> str:
        """Return the agreement as text for a form."""
        return json.dumps(
            [self.total, sorted(self.prices.items()), sorted(self.charges.items())], separators=(",", ":")
        )

    @classmethod
    def loads(cls, text: str) -> Self:
        """Return the agreement in a text. Raise ValueError for any other text."""
        try:
            total, prices, charges = json.loads(text)
            found = cls(total, dict(prices), dict(charges))
        except (TypeError, ValueError, RecursionError) as error:
            raise ValueError("This is no agreement as the review shows it.") from error
        if not all(type(part) is int for part in (total, *found.prices.values(), *found.charges.values())):
            raise ValueError("An agreement has whole amounts only.")
        return found


@dataclass(frozen=True, slots=True)
class CheckoutRequest:
    """Hold the reviewed checkout.

    ``review_key`` identifies the reviewed goods, delivery and address; ``token`` the checkout session; ``gateway`` is
    the chosen way to pay, the first of PAYMENT_GATEWAYS where it is empty.
    """

    review_key: str
    agreed: Agreement
    token: str
    contact: Mapping[str, str]
    methods: Mapping[int, DeliveryMethod]
    gateway: str = ""

    @property
    def wish(self) -> str:
        """Return the name of the wish: all drafts of one checkout session, one of them placed."""
        return _digest(self.token)

    @property
    def order_key(self) -> str:
        """Return the order's idempotency key: the reviewed goods for the agreed amount make one order."""
        return _digest([self.review_key, self.agreed.dumps()])


def destination_in(contact: Mapping[str, str]) -> Destination:
    """Return where the goods go that are checked out with a contact."""
    return Destination(contact.get("country", ""), contact.get("postcode", ""))


def make_review_key(token: str, drafts: Iterable[ConsignmentDraft], contact: Mapping[str, str]) -> str:
    """Return a digest of the checkout without its prices: goods, deliveries with their days, and the address."""
    drafts = list(drafts)
    return _digest(
        {
            "token": token,
            "lines": sorted((line.variant_id, line.quantity) for draft in drafts for line in draft.lines),
            "methods": sorted(
                (draft.vendor_id, str(draft.method), draft.days_from, draft.days_until) for draft in drafts
            ),
            "contact": sorted(contact.items()),
        }
    )


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()
