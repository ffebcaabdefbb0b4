"""A mail to the department: a slip to read, and the order attached for a program."""

from __future__ import annotations

import smtplib
import socket
import ssl
from email.utils import parseaddr

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from shipping import egress
from shipping.documents import as_csv, parse_body
from shipping.keys import file_name
from shipping.transports.base import DispatchPayload, Endpoint, SendResult, TransportError

SECONDS = 20.0


class EmailTransport:
    """Sends by the mall's own mailer, or by a server that the vendor names, through the egress guard.

    The Message-ID comes from the idempotency key, so the department can deduplicate copies. A connection that breaks
    between the final dot and the response duplicates a mail (RFC 1047).
    """

    def send(self, payload: DispatchPayload, endpoint: Endpoint) -> SendResult:
        message = build_message(payload, endpoint.required("to"))
        try:
            if endpoint.text("smtp_host"):
                return _send_through(message, endpoint)
            message.send()
            return SendResult(acked=False, code="250", response="Taken by the mall's mail server.")
        except egress.EgressRefusedError as error:
            raise TransportError(str(error), hold=True) from error
        except smtplib.SMTPException as error:
            raise _as_transport_error(error) from error
        except ValueError as error:  # Django's word for a line break in a header
            raise TransportError(f"The mail cannot be written: {error}", hold=True) from error
        except OSError as error:
            raise TransportError(f"{type(error).__name__}: {error}", code=type(error).__name__) from error


def build_message(payload: DispatchPayload, to: str) -> EmailMultiAlternatives:
    """Return the mail: a packing slip as text and HTML, the order attached as JSON and CSV."""
    order = parse_body(payload.body)
    context = {"order": order, "resend": payload.resend, "ack_url": payload.ack_url}
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    subject = f"Order {order['order']}, consignment {order['consignment']}"  # ids only: no typed text in a header
    message = EmailMultiAlternatives(
        subject=f"DUPLICATE OF: {subject}" if payload.resend else subject,
        body=render_to_string("shipping/mail/slip.txt", context),
        to=[to],
        headers={"Message-ID": f"<{payload.key}@dispatch.{domain}>", "X-Mall-Key": payload.key},
    )
    message.attach_alternative(render_to_string("shipping/mail/slip.html", context), "text/html")
    name = file_name(payload.key, payload.sha256)
    message.attach(name, payload.body, "application/json")
    message.attach(name.replace(".json", ".csv"), as_csv(payload.body), "text/csv")
    return message


def _send_through(message: EmailMultiAlternatives, endpoint: Endpoint) -> SendResult:
    host, port = endpoint.text("smtp_host"), endpoint.number("smtp_port", 25)
    with GuardedSMTP(host, port, timeout=SECONDS) as server:
        server.ehlo()
        if user := endpoint.secrets.get("smtp_user"):
            _sign_in(server, user, endpoint.required("smtp_password"))
        elif server.has_extn("starttls"):
            server.starttls()  # opportunistic, as between mail servers: the certificate is not verified
            server.ehlo()
        server.send_message(message.message(), message.from_email, message.to)
    return SendResult(acked=False, code="250", response=f"Taken by {host}.")


def _sign_in(server: smtplib.SMTP, user: str, password: str) -> None:
    """Sign in over STARTTLS with a verified certificate; never send the password in the clear."""
    if not server.has_extn("starttls"):
        raise TransportError("The mail server offers no STARTTLS; the password is not sent in the clear.", hold=True)
    try:
        server.starttls(context=ssl.create_default_context())
    except ssl.SSLCertVerificationError as error:
        raise TransportError(
            f"The mail server's certificate does not prove its name: {error.verify_message}.", hold=True
        ) from error
    server.ehlo()
    server.login(user, password)


class GuardedSMTP(smtplib.SMTP):
    """An SMTP client that connects through the egress guard."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return egress.dial(host, port, timeout)


def _as_transport_error(error: smtplib.SMTPException) -> TransportError:
    """Return a retryable error for 4xx, a permanent one for 5xx, and one that holds the route for a refused sign-in."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return TransportError(f"The mail server refuses the sign-in: {error}", hold=True, code=str(error.smtp_code))
    code = 0
    if isinstance(error, smtplib.SMTPResponseException):
        code = error.smtp_code
    elif isinstance(error, smtplib.SMTPRecipientsRefused):
        code = max((reply[0] for reply in error.recipients.values()), default=0)
    return TransportError(f"The mail server refuses: {error}", permanent=500 <= code < 600, code=str(code or ""))
