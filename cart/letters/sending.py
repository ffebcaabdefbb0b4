"""Sending of letters: each is claimed, composed, handed to the mail server and marked.

A worker that is killed between the last two sends it once more when its claim ends. Both copies have one Message-ID
(RFC 5322, 3.6.4), by which mail programs drop the second.
"""

from __future__ import annotations

import logging
import smtplib
import time
from uuid import UUID

from django.db.models import Prefetch
from django.utils import timezone

from cart.letters import outbox
from cart.letters.composing import compose
from cart.letters.models import Letter, LetterQuerySet
from cart.orders.models import Consignment

logger = logging.getLogger(__name__)
BATCH = 50
SWEEP_SECONDS = 40
PERMANENT = 500  # an SMTP reply code from here on is for good (RFC 5321, 4.2.1)


def send_due_letters() -> int:
    """Send the due letters that no worker was woken for, the longest overdue first; return the number sent.

    It ends after SWEEP_SECONDS, or at a batch of which the mail server took none.
    """
    until, number = time.monotonic() + SWEEP_SECONDS, 0
    while time.monotonic() < until:
        due = list(_letters().due(timezone.now()).order_by("due_at")[:BATCH])
        sent = sum(send(letter) for letter in due)
        number += sent
        if not sent or len(due) < BATCH:
            break
    return number


def send_by_uuid(uuid: UUID) -> bool:
    """Send one letter; return False if it is sent, claimed elsewhere, or was not taken."""
    letter = _letters().due(timezone.now()).filter(uuid=uuid).first()
    return letter is not None and send(letter)


def send(letter: Letter) -> bool:
    """Send a letter once; a failure is recorded, and tried again unless it is for good."""
    if not outbox.claim_letter(letter, timezone.now()):
        return False
    try:
        compose(letter).send()
    except OSError as error:  # smtplib's errors are among them
        logger.warning("Letter %s about %s was not sent: %s", letter.kind, letter.subject, error)
        outbox.mark_failed(letter, str(error), permanent=is_permanent(error), now=timezone.now())
        return False
    outbox.mark_sent(letter, timezone.now())
    return True


def is_permanent(error: OSError) -> bool:
    """Return whether the mail server refused the recipient for good; refused senders and sign-ins are ours to mend."""
    if not isinstance(error, smtplib.SMTPRecipientsRefused):
        return False
    return all(code >= PERMANENT for code, _ in error.recipients.values())


def _letters() -> LetterQuerySet:
    consignments = Consignment.objects.select_related("vendor").prefetch_related("lines")
    letters: LetterQuerySet = Letter.objects.all()
    return letters.select_related(
        "order__marketplace__community__master", "marketplace__community__master"
    ).prefetch_related(Prefetch("order__consignments", consignments))
