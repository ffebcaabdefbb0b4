"""Orders handed to departments' programs that come for them: leased, downloaded, acknowledged, listed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from shipping import claim, envelope, results, services, signing_keys
from shipping.claim import Claim, Lease
from shipping.envelope import ForgedDocumentError, SigningKey
from shipping.keys import KEY
from shipping.models import Dispatch, Route, VendorKey
from shipping.results import Finished
from shipping.sendings import Sending, record_sending
from shipping.transports.base import FoundAck, SendResult

HANDED_OUT = "handed out"


@transaction.atomic(savepoint=False)
def hand_out(*, vendor_id: int, transport: str, most: int, owner: str, now: datetime) -> list[Claim]:
    """Lease due dispatches to the vendor's program, and record each as sent; the newest state is on the rows.

    One that is not acknowledged within the transport's ``ack_timeout`` is offered again.
    """
    lease = Lease(owner, now + timedelta(minutes=1))
    claims = claim.claim_for(vendor_id=vendor_id, transport=transport, most=most, now=now, lease=lease)
    results.record(
        [Finished(each, SendResult(acked=False, code=HANDED_OUT, response=owner), now, now) for each in claims], now
    )
    note_visit(vendor_id=vendor_id, transport=transport, now=now)
    return claims


def note_visit(*, vendor_id: int, transport: str, now: datetime) -> None:
    """Note that the program came, once a minute at most."""
    stale = Route.objects.filter(department__vendor=vendor_id, transport=transport)
    stale.exclude(last_ok_at__gt=now - timedelta(minutes=1)).update(last_ok_at=now, alarmed_at=None)


def keys_of(vendor_id: int) -> tuple[SigningKey, ...]:
    """Return the keys that sign a vendor's documents."""
    rows = VendorKey.objects.signing().filter(vendor=vendor_id)
    return signing_keys.open_keys(rows.values_list("encrypted_secret", flat=True))


def dispatches_of(vendor_id: int) -> QuerySet[Dispatch]:
    """Return a vendor's dispatches."""
    return Dispatch.objects.filter(consignment__vendor=vendor_id)


def document_of(dispatch: Dispatch, keys: Sequence[SigningKey]) -> bytes:
    """Return the signed document of a dispatch."""
    return envelope.seal(bytes(dispatch.body), envelope.ORDER, keys)


def take_receipt(*, vendor_id: int, content: bytes, source: str, now: datetime) -> Dispatch:
    """Record the acknowledgement in a signed receipt.

    Raise ForgedDocumentError where it is none of this vendor's, UnknownDispatchError where it names no dispatch.
    """
    found = FoundAck.parse(envelope.verify_own(content, envelope.RECEIPT, keys_of(vendor_id)))
    if not KEY.fullmatch(found.key):
        raise services.UnknownDispatchError(f"A receipt names {found.key[:48]!r}, which is no dispatch's key.")
    return services.record_ack(
        vendor_id=vendor_id, ack_id=found.key, key=found.key, source=source, now=now, outcome=found.outcome
    )


def take_sending(*, vendor_id: int, content: bytes, now: datetime) -> bool:
    """Mark a consignment as sent by a signed document; return False where it was already.

    Raise ForgedDocumentError, SendingRefusedError, or LookupError where the vendor has no such consignment.
    """
    document = envelope.verify_own(content, envelope.SENDING, keys_of(vendor_id))
    return record_sending(vendor_id=vendor_id, sending=Sending.parse(document), now=now)


def vendor_of(content: bytes) -> int:
    """Return the vendor whose key a department's document names; raise ForgedDocumentError where there is none.

    The caller verifies it by that vendor's keys.
    """
    signatures = envelope.load_object(content).get("signatures")
    if not isinstance(signatures, list) or len(signatures) > envelope.MAX_SIGNATURES:
        raise ForgedDocumentError("It is no signed document.")
    named = [str(each.get("keyid")) for each in signatures if isinstance(each, dict)]
    row = signing_keys.find_signing(named)
    if row is None:
        raise ForgedDocumentError("No key that counts signed it.")
    return row.vendor_id
