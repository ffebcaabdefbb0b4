"""The files of one department's drop folder, as rows: listed, read, removed, and the small files that it brings.

A file is its dispatch's signed document, so no half of one can be seen. Names are made of ids only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from django.db.models import QuerySet
from django.utils import timezone

from shipping import packing_slips, pickup, services
from shipping.envelope import ForgedDocumentError
from shipping.keys import file_name
from shipping.models import Action, Dispatch, Route
from shipping.sendings import SendingRefusedError
from shipping.services import UnknownDispatchError
from shipping.states import State
from shipping.transports.pull_ftp import PullFtpTransport

TRANSPORT = "pull_ftp"
MOST = 500
LARGEST_UPLOAD = 64 * 1024
FOLDERS = ("inbox", "ack", "sent")
NAME = re.compile(r"(csg_[0-9a-f]{32}_r[1-9][0-9]{0,4})_[0-9a-f]{8}\.(json|pdf)")


class NoSuchPathError(LookupError):
    """There is no such file in this folder."""


class UploadRefusedError(ValueError):
    """A file that a department brought is none that the mall takes."""


@dataclass(frozen=True, slots=True)
class Owner:
    """The department that signed in, by its route."""

    vendor_id: int
    route_id: int
    user: str


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file as a list shows it."""

    name: str
    changed_at: datetime


def find_route(user: str) -> tuple[Owner, str] | None:
    """Return a department and its public key, by the name that it signs in with."""
    rows = Route.objects.filter(department=PullFtpTransport.department_of(user), transport=TRANSPORT)
    route = rows.filter(state=Route.State.ENABLED).select_related("department__vendor").first()
    if route is None or user != PullFtpTransport.user_of(route.department.vendor.slug, route.department_id):
        return None
    return Owner(route.department.vendor_id, route.pk, user), str(route.config.get("public_key", ""))


def list_inbox(owner: Owner) -> list[ListedFile]:
    """Hand out due dispatches, and return the files that wait to be acknowledged, the oldest first."""
    pickup.hand_out(vendor_id=owner.vendor_id, transport=TRANSPORT, most=MOST, owner=owner.user, now=timezone.now())
    rows = _waiting(owner).select_related("route").defer("body").order_by("pk")[:MOST]
    return list(chain.from_iterable(_files_of(row) for row in rows))


def _files_of(row: Dispatch) -> list[ListedFile]:
    name = file_name(row.key, row.sha256)
    has_slip = row.route is not None and row.route.config.get("slips") and row.action != Action.CANCEL
    names = [name, name.replace(".json", ".pdf")] if has_slip else [name]
    return [ListedFile(each, row.created_at) for each in names]


def read(owner: Owner, name: str) -> bytes:
    """Return the content of a file in inbox/; raise NoSuchPathError where there is none."""
    row = _find(owner, name)
    if name.endswith(".pdf"):
        return packing_slips.draw_for(row.consignment_id, owner.vendor_id)
    return pickup.document_of(row, pickup.keys_of(owner.vendor_id))


def remove(owner: Owner, name: str) -> None:
    """Acknowledge a dispatch by its removed file; a slip goes with its order. Raise NoSuchPathError."""
    row = _find(owner, name)
    if name.endswith(".json"):
        services.record_ack(
            vendor_id=owner.vendor_id, ack_id=row.key, key=row.key, source="drop folder", now=timezone.now()
        )


def bring(owner: Owner, folder: str, content: bytes) -> None:
    """Take a signed receipt in ack/, or the word in sent/ that goods went out; raise UploadRefusedError otherwise."""
    now = timezone.now()
    try:
        if folder == "ack":
            pickup.take_receipt(vendor_id=owner.vendor_id, content=content, source="drop folder", now=now)
        else:
            pickup.take_sending(vendor_id=owner.vendor_id, content=content, now=now)
    except (ForgedDocumentError, SendingRefusedError, UnknownDispatchError, LookupError) as error:
        raise UploadRefusedError(str(error)) from error


def _find(owner: Owner, name: str) -> Dispatch:
    found = NAME.fullmatch(name)
    row = _waiting(owner).filter(key=found[1]).first() if found else None
    if row is None or name.rpartition(".")[0] != file_name(row.key, row.sha256).rpartition(".")[0]:
        raise NoSuchPathError(name)
    return row


def _waiting(owner: Owner) -> QuerySet[Dispatch]:
    return Dispatch.objects.filter(route=owner.route_id, state=State.SENT)
