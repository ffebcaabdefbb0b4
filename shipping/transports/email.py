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
from shipping.documents import as_csv, document
from shipping.keys import file_name
from shipping.transports.contract import Endpoint, Evidence, Shipment, TransportError

SECONDS = 20.0


class Email:
    """Over the mall's own mailer, or a server that the vendor names, that one through the egress guard.

    The Message-ID comes from the key, so copies of one dispatch are recognisable as the same mail. A link that breaks
    between the final dot and the answer doubles a mail (RFC 1047); the merge on the other side sorts that out.
    """

    def send(self, shipment: Shipment, endpoint: Endpoint) -> Evidence:
        message = compose(shipment, endpoint.required("to"))
        try:
            if endpoint.text("smtp_host"):
                return _send_through(message, endpoint)
            message.send()
            return Evidence(acked=False, code="250", answer="Taken by the mall's mail server.")
        except egress.Refused as error:
            raise TransportError(str(error), hold=True) from error
        except smtplib.SMTPException as error:
            raise _as_transport_error(error) from error
        except ValueError as error:  # Django's word for a line break in a header
            raise TransportError(f"The mail cannot be written: {error}", hold=True) from error
        except OSError as error:
            raise TransportError(f"{type(error).__name__}: {error}", code=type(error).__name__) from error


def compose(shipment: Shipment, to: str) -> EmailMultiAlternatives:
    order = document(shipment.body)
    context = {"order": order, "resend": shipment.resend, "ack_url": shipment.ack_url}
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    subject = f"Order {order['order']}, consignment {order['consignment']}"  # ids only: what people typed is no header
    message = EmailMultiAlternatives(
        subject=f"DUPLICATE OF: {subject}" if shipment.resend else subject,
        body=render_to_string("shipping/mail/slip.txt", context),
        to=[to],
        headers={"Message-ID": f"<{shipment.key}@dispatch.{domain}>", "X-Mall-Key": shipment.key},
    )
    message.attach_alternative(render_to_string("shipping/mail/slip.html", context), "text/html")
    name = file_name(shipment.key, shipment.sha256)
    message.attach(name, shipment.body, "application/json")
    message.attach(name.replace(".json", ".csv"), as_csv(shipment.body), "text/csv")
    return message


def _send_through(message: EmailMultiAlternatives, endpoint: Endpoint) -> Evidence:
    host, port = endpoint.text("smtp_host"), endpoint.number("smtp_port", 25)
    with GuardedSMTP(host, port, timeout=SECONDS) as server:
        server.ehlo()
        if user := endpoint.secrets.get("smtp_user"):
            _sign_in(server, user, endpoint.required("smtp_password"))
        elif server.has_extn("starttls"):
            server.starttls()  # to whoever answers, as between mail servers: better than in the clear
            server.ehlo()
        server.send_message(message.message(), message.from_email, message.to)
    return Evidence(acked=False, code="250", answer=f"Taken by {host}.")


def _sign_in(server: smtplib.SMTP, user: str, password: str) -> None:
    """A password goes to the server that was named, proved by its certificate, and to nobody on the way."""
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
    """Dials through the egress guard."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return egress.dial(host, port, timeout)


def _as_transport_error(error: smtplib.SMTPException) -> TransportError:
    """4xx: later. 5xx: this mail is refused. Sign-in refused: a person must look."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return TransportError(f"The mail server refuses the sign-in: {error}", hold=True, code=str(error.smtp_code))
    code = 0
    if isinstance(error, smtplib.SMTPResponseException):
        code = error.smtp_code
    elif isinstance(error, smtplib.SMTPRecipientsRefused):
        code = max((answer[0] for answer in error.recipients.values()), default=0)
    return TransportError(f"The mail server refuses: {error}", permanent=500 <= code < 600, code=str(code or ""))
