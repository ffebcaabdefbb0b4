"""Messages of the dispatch mailbox, read: signed documents of departments, and bounces of mails that we sent.

A bounce proves nothing but that its sender saw the Message-ID, which holds a dispatch's key: it calls for a person, and
acknowledges nothing.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import Message

from shipping import envelope
from shipping.keys import KEY

logger = logging.getLogger(__name__)

MOST_PARTS = 20
MESSAGE_ID = re.compile(rf"<({KEY.pattern})@dispatch\.[^<>\s]+>")
STATUS = re.compile(r"^\s*([245]\.[0-9]{1,3}\.[0-9]{1,3})")
KINDS = (envelope.RECEIPT, envelope.SENDING)


@dataclass(frozen=True, slots=True)
class Bounce:
    """A mail server's word that a dispatch's mail was not delivered, with its status (RFC 3463)."""

    key: str
    status: str

    @property
    def is_permanent(self) -> bool:
        return self.status.startswith("5")


@dataclass(slots=True)
class ReadMail:
    """The contents of a message that concern dispatches."""

    documents: list[tuple[str, bytes]] = field(default_factory=list)
    """Signed documents with the kind that they claim, not verified yet."""
    bounces: list[Bounce] = field(default_factory=list)


def read_mail(content: bytes) -> ReadMail:
    """Return the contents of a message; nothing where it cannot be read."""
    found = ReadMail()
    try:
        message = message_from_bytes(content, policy=policy.compat32)
        is_bounce = message.get_content_type() == "multipart/report"
        parts = [part for part, _ in zip(message.walk(), range(MOST_PARTS), strict=False)]
        found.documents.extend(_documents(parts))
        if is_bounce:
            found.bounces.extend(_bounces(parts))
    except Exception:  # whatever is wrong with one mail, those behind it are read
        logger.exception("A mail in the dispatch mailbox could not be read; it is left out.")
        return ReadMail()
    return found


def _documents(parts: list[Message]) -> Iterator[tuple[str, bytes]]:
    for part in parts:
        if part.is_multipart():
            continue
        content = part.get_payload(decode=True)
        if not isinstance(content, bytes) or b"payloadType" not in content:
            continue
        try:
            kind = str(envelope.load_object(content).get("payloadType"))
        except envelope.ForgedDocumentError:
            continue
        if kind in KINDS:
            yield kind, content


def _bounces(parts: list[Message]) -> Iterator[Bounce]:
    """Return the bounces of a delivery status notification (RFC 3464): its status, and the head of our mail in it."""
    text = "\n".join(_text_of(part) for part in parts[1:])
    keys = list(dict.fromkeys(match[0] if isinstance(match, tuple) else match for match in MESSAGE_ID.findall(text)))
    statuses = [
        found[1]
        for part in parts
        if part.get_content_type() == "message/delivery-status"
        for block in part.walk()
        if (found := STATUS.match(str(block.get("Status", ""))))
    ]
    for key in keys[:1]:
        yield Bounce(key, max(statuses, default="4.0.0"))


def _text_of(part: Message) -> str:
    head = "\n".join(f"{name}: {value}" for name, value in part.items())
    content = b"" if part.is_multipart() else part.get_payload(decode=True)
    return f"{head}\n{content[:20_000].decode('utf-8', 'replace') if isinstance(content, bytes) else ''}"
