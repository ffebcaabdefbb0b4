"""A mail to the department: a slip to read, and the order attached for a program."""

from __future__ import annotations

import asyncio
import contextlib
import smtplib
import ssl
from collections.abc import AsyncIterator
from datetime import timedelta
from email.policy import SMTP
from email.utils import parseaddr
from typing import Any, cast

import aiosmtplib
from django import forms
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from shipping import egress, envelope
from shipping.documents import as_csv, as_sqlite, parse_body
from shipping.keys import file_name, make_key, parse_root
from shipping.threads import run_abandonable
from shipping.transports import fields
from shipping.transports.base import (
    AckPolicy,
    DispatchPayload,
    Endpoint,
    PushTransport,
    SendResult,
    TransportError,
)
from shipping.transports.windows import WindowSettings

SUBJECTS = {"ship": "Order", "amend": "CHANGED: Order", "cancel": "CANCELLED: Order"}

MAILBOX_FULL = 552
"""Permanent by its number (RFC 5321, 4.2.2), but it says that the mailbox is full, which passes."""


class EmailSettings(WindowSettings):
    to = fields.MailboxField(label="To", help_text="The department's mailbox.")
    smtp_host = fields.HostField(
        required=False, label="Mail server", help_text="Of the vendor's own; leave it empty to send by the mall's."
    )
    smtp_port = fields.PortField(required=False, label="Its port", help_text="25 where it is left empty; often 587.")
    smtp_user = forms.CharField(
        required=False,
        label="User",
        help_text="To sign in there, which needs STARTTLS and a certificate that proves the server's name.",
    )
    smtp_password = fields.SecretField(label="Password", help_text="Of that user.")
    slips = forms.BooleanField(required=False, label="With packing slips", help_text="A PDF attached to each order.")
    secrets = ("smtp_password",)
    field_order = ("to", "smtp_host", "smtp_port", "smtp_user", "smtp_password", "slips", *WindowSettings.base_fields)

    @classmethod
    def complaints(cls, values: dict[str, Any], secrets: set[str]) -> dict[str, str]:
        if not values.get("smtp_user"):
            return {}
        if not values.get("smtp_host"):
            return {"smtp_host": "A user signs in at a server; name it."}
        return super().complaints(values, secrets)


class EmailTransport(PushTransport):
    """Sends by the mall's own mailer, or by a server that the vendor names, through the egress guard.

    The Message-ID comes from the idempotency key, so the department can deduplicate copies. A connection that breaks
    between the final dot and the response duplicates a mail (RFC 1047).
    """

    label = "e-mail"
    description = "The department reads its mail: a packing slip with the order attached; a link in it acknowledges."
    settings = EmailSettings
    ack_policies = (AckPolicy.PERSON, AckPolicy.CALLBACK, AckPolicy.ANSWER)
    ack_timeout = timedelta(hours=72)
    links_ack_page = True

    async def send(self, payload: DispatchPayload, endpoint: Endpoint) -> SendResult:
        message = build_message(payload, endpoint)
        if payload.slip is not None:
            name = file_name(payload.key, payload.sha256).replace(".json", ".pdf")
            message.attach(name, await run_abandonable(payload.slip), "application/pdf")
        return await _deliver(message, endpoint)

    async def try_out(self, endpoint: Endpoint) -> str:
        message = EmailMultiAlternatives(
            subject="A test from the mall",
            body="Orders will come to this mailbox. There is nothing to do.",
            to=[endpoint.required("to")],
        )
        result = await _deliver(message, endpoint)
        return f"{result.response} Look whether the mail “A test from the mall” is in the mailbox."


async def _deliver(message: EmailMultiAlternatives, endpoint: Endpoint) -> SendResult:
    """Hand a mail to the server; raise each failure as a TransportError."""
    try:
        if endpoint.text("smtp_host"):
            return await _send_through(message, endpoint)
        await run_abandonable(message.send)
    except egress.EgressRefusedError as error:
        raise TransportError(str(error), hold=True) from error
    except (aiosmtplib.SMTPException, smtplib.SMTPException) as error:
        raise _as_transport_error(error, _code_of(error)) from error
    except ValueError as error:  # a line break in a header, an address outside ASCII
        raise TransportError(f"The mail cannot be written: {error}", hold=True) from error
    except OSError as error:
        raise TransportError(f"{type(error).__name__}: {error}", code=type(error).__name__) from error
    return SendResult(acked=False, code="250", response="Taken by the mall's mail server.")


def build_message(payload: DispatchPayload, endpoint: Endpoint) -> EmailMultiAlternatives:
    """Return the mail: text and HTML to read; the order as signed JSON, as SQLite with that in it, as signed CSV."""
    order = parse_body(payload.body)
    context = {"order": order, "resend": payload.resend, "ack_url": payload.ack_url}
    subject = f"{SUBJECTS[order['action']]} {order['order']}, consignment {order['consignment']}"  # no typed text
    headers = {"Message-ID": message_id(payload.key), "X-Mall-Key": payload.key}
    if order["revision"] > 1:  # a mail program shows it beside the one that it replaces
        headers["References"] = message_id(make_key(parse_root(payload.key), order["revision"] - 1))
    message = EmailMultiAlternatives(
        subject=f"DUPLICATE OF: {subject}" if payload.resend else subject,
        body=render_to_string("shipping/mail/slip.txt", context),
        to=[endpoint.required("to")],
        headers=headers,
    )
    message.attach_alternative(render_to_string("shipping/mail/slip.html", context), "text/html")
    name, sheet, document = file_name(payload.key, payload.sha256), as_csv(payload.body), endpoint.seal(payload.body)
    message.attach(name, document, "application/json")
    message.attach(name.replace(".json", ".sqlite"), as_sqlite(payload.body, document), "application/vnd.sqlite3")
    message.attach(name.replace(".json", ".csv"), sheet, "text/csv")
    signature = endpoint.seal(sheet, envelope.CSV, detached=True)
    message.attach(name.replace(".json", ".csv.sig"), signature, "application/octet-stream")
    return message


def message_id(key: str) -> str:
    return f"<{key}@dispatch.{_domain()}>"


async def _send_through(message: EmailMultiAlternatives, endpoint: Endpoint) -> SendResult:
    host = endpoint.text("smtp_host")
    async with _server(host, endpoint.number("smtp_port", 25)) as server:
        await server.ehlo()
        if user := endpoint.text("smtp_user"):
            await _sign_in(server, user, endpoint.required("smtp_password"))
        elif server.supports_extension("starttls"):
            # Opportunistic, as between mail servers: the certificate is not verified.
            await server.starttls(validate_certs=False)
        await server.sendmail(message.from_email, message.to, message.message(policy=SMTP).as_bytes())
    return SendResult(acked=False, code="250", response=f"Taken by {host}.")


@contextlib.asynccontextmanager
async def _server(host: str, port: int) -> AsyncIterator[aiosmtplib.SMTP]:
    """Connect through the egress guard. The runner's deadline bounds all of it, so there are no timeouts here."""
    with contextlib.closing(await egress.dial(host, port)) as sock:
        # Without a name to greet with it would look up its own, in one of the loop's few threads.
        server = aiosmtplib.SMTP(
            hostname=host, port=None, sock=sock, local_hostname=_domain(), start_tls=False, timeout=None
        )
        try:
            await server.connect()
            plain = cast("asyncio.WriteTransport", server.transport)
            try:
                yield server
            finally:
                plain.abort()  # a handshake that broke off leaves it with bytes that nobody takes
        finally:
            server.close()


async def _sign_in(server: aiosmtplib.SMTP, user: str, password: str) -> None:
    """Sign in over STARTTLS with a verified certificate; never send the password in the clear."""
    if not server.supports_extension("starttls"):
        raise TransportError("The mail server offers no STARTTLS; the password is not sent in the clear.", hold=True)
    try:
        await server.starttls(tls_context=ssl.create_default_context())
    except (ssl.SSLCertVerificationError, aiosmtplib.SMTPException) as error:
        raise TransportError(f"The mail server's certificate does not prove its name: {error}.", hold=True) from error
    await server.login(user, password)


def _domain() -> str:
    return parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"


def _code_of(error: Exception) -> int:
    """Return the code of an SMTP refusal, the mildest of those of several recipients; 0 where there is none."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return min((reply[0] for reply in error.recipients.values()), default=0)
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return min((refused.code for refused in error.recipients), default=0)
    return int(getattr(error, "smtp_code", 0) or getattr(error, "code", 0) or 0)


def _as_transport_error(error: Exception, code: int) -> TransportError:
    """Return a retryable error for 4xx, a permanent one for 5xx, and one that holds the route for a refused sign-in."""
    if isinstance(error, smtplib.SMTPAuthenticationError | aiosmtplib.SMTPAuthenticationError):
        return TransportError(f"The mail server refuses the sign-in: {error}", hold=True, code=str(code))
    refused = 500 <= code < 600 and code != MAILBOX_FULL
    name = str(code) if code > 0 else type(error).__name__
    return TransportError(f"The mail server refuses: {error}", permanent=refused, code=name)
