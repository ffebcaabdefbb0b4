"""The requests of the pickup API."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import NinjaAPI, Status
from pydantic import Field

from shipping import packing_slips, pickup, services
from shipping.api import agent_views
from shipping.api.schemas import (
    LARGEST,
    MOST,
    Acknowledged,
    Acknowledgement,
    Leased,
    LeaseRequest,
    Leases,
    Listed,
    Manifest,
    Sent,
    SentGoods,
    SignedDocument,
)
from shipping.api.sign_in import NOT_YOURS, REFUSED, DepartmentToken, key_of, signed_by_vendor
from shipping.envelope import ForgedDocumentError
from shipping.models import Dispatch
from shipping.rate_limits import RateLimitedError
from shipping.sendings import Sending, SendingRefusedError, record_sending
from shipping.services import UnknownDispatchError
from shipping.transports.pull_http import PullHttpTransport

TRANSPORT = "pull_http"

api = NinjaAPI(
    title="The mall's pickup API",
    version="1",
    description="A department's program leases orders, downloads, applies and acknowledges them, each once by its key.",
    urls_namespace="pickup",
    docs_url=None,
    auth=DepartmentToken(),
)
api.add_router("", agent_views.router)


@api.exception_handler(RateLimitedError)
def refuse_for_now(request: HttpRequest, error: RateLimitedError) -> HttpResponse:
    """Answer a request beyond a limit of rate: 429, with the seconds to wait."""
    response = api.create_response(request, {"detail": str(error)}, status=429)
    response["Retry-After"] = str(error.seconds)
    return response


@api.post("/leases", response={200: Leases, **REFUSED}, summary="Lease orders that are due")
def lease_orders(request: HttpRequest, wish: LeaseRequest) -> Leases:
    """Lease due orders to this program; what is not acknowledged in time is offered again."""
    now = timezone.now()
    vendor_id = key_of(request).vendor_id
    owner = f"{key_of(request).key_id} {request.headers.get('user-agent', '')}"[:80]
    claims = pickup.hand_out(vendor_id=vendor_id, transport=TRANSPORT, most=wish.most, owner=owner, now=now)
    numbers = _numbers([claim.dispatch for claim in claims])
    leased = [Leased(**_listed(request, claim.dispatch, numbers)) for claim in claims]
    return Leases(lease_until=now + PullHttpTransport.ack_timeout * 0.8, dispatches=leased)  # the wait has jitter


@api.get("/dispatches", response={200: Manifest, **REFUSED}, summary="List all orders")
def manifest(
    request: HttpRequest,
    after: Annotated[int, Field(ge=0, le=LARGEST)] = 0,
    most: Annotated[int, Field(ge=1, le=MOST)] = MOST,
) -> Manifest:
    """List all orders of this department, to compare with its books."""
    rows = pickup.dispatches_of(key_of(request).vendor_id).filter(pk__gt=after).defer("body").order_by("pk")
    found = list(rows[:most])
    numbers = _numbers(found)
    listed = [Listed(**_listed(request, row, numbers), state=row.state, acknowledged_at=row.acked_at) for row in found]
    return Manifest(dispatches=listed, next=found[-1].pk if len(found) == most else None)


@api.get(
    "/dispatches/{key}", response={200: SignedDocument, **REFUSED}, summary="Download an order", url_name="document"
)
def download(request: HttpRequest, key: str) -> Any:
    """Download the signed document of an order."""
    row = _find(request, key)
    if row is None:
        return Status(404, {"detail": NOT_YOURS})
    keys = pickup.keys_of(key_of(request).vendor_id)
    return HttpResponse(pickup.document_of(row, keys), content_type="application/json")


@api.get(
    "/dispatches/{key}/slip.pdf",
    response={200: bytes, **REFUSED},
    summary="Download a packing slip",
    url_name="slip",
    openapi_extra={
        "responses": {200: {"content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}}}
    },
)
def slip(request: HttpRequest, key: str) -> Any:
    """Download the packing desk's slip of an order's consignment, as it is now."""
    row = _find(request, key)
    content = packing_slips.draw_for(row.consignment_id, key_of(request).vendor_id) if row is not None else b""
    return HttpResponse(content, content_type="application/pdf") if content else Status(404, {"detail": NOT_YOURS})


@api.post("/dispatches/{key}/ack", response={200: Acknowledged, **REFUSED}, summary="Acknowledge an order")
def acknowledge(request: HttpRequest, key: str, word: Acknowledgement) -> Any:
    """Say that an order was taken, or cannot be; the same word again changes nothing."""
    row = _find(request, key)
    if row is None:
        return Status(404, {"detail": NOT_YOURS})
    if word.sha256 and word.sha256 != row.sha256:
        return Status(409, {"detail": f"The content of {row.key} is another; download it again."})
    now = timezone.now()
    if word.outcome == "rejected":
        row = services.reject(vendor_id=key_of(request).vendor_id, key=row.key, reason=word.reason, now=now)
    else:
        row = services.record_ack(
            vendor_id=key_of(request).vendor_id,
            ack_id=row.key,
            key=row.key,
            source="pickup",
            now=now,
            outcome=word.outcome,
        )
    return Acknowledged(key=row.key, state=row.state)


@api.post("/receipts", response={200: Acknowledged, **REFUSED}, auth=None, summary="Bring a signed receipt")
def receive_receipt(request: HttpRequest, document: SignedDocument) -> Any:
    """Take a signed receipt; its signature is the sign-in."""
    try:
        with signed_by_vendor(request) as vendor_id:
            row = pickup.take_receipt(vendor_id=vendor_id, content=request.body, source="callback", now=timezone.now())
    except ForgedDocumentError as error:
        return Status(401, {"detail": str(error)})
    except UnknownDispatchError:
        return Status(404, {"detail": NOT_YOURS})
    return Acknowledged(key=row.key, state=row.state)


@api.post("/sendings", response={200: Sent, **REFUSED}, auth=None, summary="Bring a signed word that goods went out")
def receive_sending(request: HttpRequest, document: SignedDocument) -> Any:
    """Take a signed document that says that goods went out; its signature is the sign-in."""
    try:
        with signed_by_vendor(request) as vendor_id:
            changed = pickup.take_sending(vendor_id=vendor_id, content=request.body, now=timezone.now())
    except ForgedDocumentError as error:
        return Status(401, {"detail": str(error)})
    except LookupError:
        return Status(404, {"detail": NOT_YOURS})
    except SendingRefusedError as error:
        return Status(409, {"detail": str(error)})
    return Sent(consignment="", changed=changed)


@api.post("/consignments/{number}/sent", response={200: Sent, **REFUSED}, summary="Say that goods went out")
def goods_sent(request: HttpRequest, number: str, word: SentGoods) -> Any:
    """Say that a consignment's goods went out, with the tracking number that its shopper gets."""
    sending = Sending(number, word.carrier, word.tracking_number)
    try:
        changed = record_sending(vendor_id=key_of(request).vendor_id, sending=sending, now=timezone.now())
    except LookupError:
        return Status(404, {"detail": NOT_YOURS})
    except SendingRefusedError as error:
        return Status(409, {"detail": str(error)})
    return Sent(consignment=number, changed=changed)


def _find(request: HttpRequest, key: str) -> Dispatch | None:
    return pickup.dispatches_of(key_of(request).vendor_id).filter(key=key[:48]).first() if len(key) <= 48 else None


def _numbers(rows: list[Dispatch]) -> dict[int, str]:
    """Return the numbers of the consignments, by their keys."""
    found = Dispatch.objects.filter(pk__in=[row.pk for row in rows])
    return dict(found.values_list("consignment_id", "consignment__number"))


def _listed(request: HttpRequest, row: Dispatch, numbers: dict[int, str]) -> dict[str, Any]:
    root = request.path.rpartition("/leases")[0] or request.path.rpartition("/dispatches")[0]
    return {
        "key": row.key,
        "consignment": numbers[row.consignment_id],
        "revision": row.revision,
        "action": row.action,
        "sha256": row.sha256,
        "document": f"{root}/dispatches/{row.key}",
        "slip": f"{root}/dispatches/{row.key}/slip.pdf",
    }
