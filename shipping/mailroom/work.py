"""The work of the dispatch mailbox: receipts acknowledge, tracking numbers go on, bounces open dispatches again."""

from __future__ import annotations

import logging
import threading
import time
from datetime import datetime

from django.conf import settings
from django.db import DatabaseError, connection, transaction

from sessions_farm.stores.base import StoreUnavailableError
from shipping import envelope, pickup
from shipping.claim import database_now
from shipping.lease import leased
from shipping.mailroom.mailboxes import DEADLINE, MailboxAddress, MailboxError, work_mailbox
from shipping.mailroom.reading import Bounce, read_mail
from shipping.models import Dispatch
from shipping.sendings import SendingRefusedError
from shipping.services import UnknownDispatchError
from shipping.states import State

logger = logging.getLogger(__name__)

LOOKS_EVERY = 30.0
"""Seconds."""


def start(stopped: threading.Event) -> threading.Thread | None:
    """Start a thread that reads the mailbox until ``stopped``; None where there is no mailbox."""
    if not settings.DISPATCH_MAILBOX:
        return None
    address = MailboxAddress.parse(settings.DISPATCH_MAILBOX)
    thread = threading.Thread(target=_run, args=(address, stopped), name="mailroom", daemon=True)
    thread.start()
    return thread


def _run(address: MailboxAddress, stopped: threading.Event) -> None:
    looked = float("-inf")
    while not stopped.wait(max(0.0, looked + LOOKS_EVERY - time.monotonic())):
        looked = time.monotonic()
        try:
            look(address)
        except MailboxError as error:
            logger.warning("%s", error)
        except (DatabaseError, StoreUnavailableError) as error:
            logger.warning("The mailroom waits for the database: %s", error)
        except Exception:
            logger.exception("The mailroom failed; it goes on.")
        finally:
            connection.close()


def look(address: MailboxAddress) -> int:
    """Work the mailbox; return the number of messages, 0 where another process does so now."""
    with leased("shipping.mailroom", 2 * DEADLINE) as is_ours:
        return work_mailbox(address, lambda content: work_mail(content, database_now())) if is_ours else 0


def work_mail(content: bytes, now: datetime) -> int:
    """Record the news of dispatches in a message; return how much of it counted. A second time changes nothing."""
    found = read_mail(content)
    worked = sum(_work_document(kind, document, now) for kind, document in found.documents)
    worked += sum(record_bounce(bounce, now) for bounce in found.bounces)
    if not worked:
        logger.info(
            "A mail of %d bytes in the dispatch mailbox said nothing that counts; it was removed.", len(content)
        )
    return worked


def _work_document(kind: str, content: bytes, now: datetime) -> bool:
    take = pickup.take_receipt if kind == envelope.RECEIPT else None
    try:
        vendor_id = pickup.vendor_of(content)
        if take is not None:
            take(vendor_id=vendor_id, content=content, source="mail", now=now)
        else:
            pickup.take_sending(vendor_id=vendor_id, content=content, now=now)
    except (envelope.ForgedDocumentError, SendingRefusedError, UnknownDispatchError, LookupError) as error:
        logger.warning("A document in the dispatch mailbox was refused: %s", error)
        return False
    return True


@transaction.atomic
def record_bounce(bounce: Bounce, now: datetime) -> bool:
    """Give up a dispatch whose mail bounced for good, until a person has looked; return False where nothing changes.

    One that was acknowledged stays so, and a passing trouble is the mail server's.
    """
    if not bounce.is_permanent:
        return False
    rows = Dispatch.objects.select_for_update(of=("self",)).filter(key=bounce.key, route__transport="email")
    dispatch = rows.defer("body").first()
    if dispatch is None or dispatch.state != State.SENT:
        return False
    dispatch.state, dispatch.next_at = State.DEAD, None
    dispatch.reason = f"The mail came back ({bounce.status}): is the mailbox’s address right?"
    dispatch.first_refused_at = dispatch.first_refused_at or now
    dispatch.save(update_fields=["state", "next_at", "reason", "first_refused_at"])
    return True
