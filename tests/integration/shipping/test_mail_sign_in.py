"""The password of a vendor's own mail server goes to that server only, encrypted."""

import ssl

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from shipping.models import Route
from shipping.runner import drain
from tests.support.certificates import HOST

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")  # of aiosmtpd, rightly

SECRETS = {"smtp_password": "tea for two"}


class Post:
    """Takes any mail, and any password, and remembers both."""

    def __init__(self):
        self.passwords, self.mails = [], []

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 -- aiosmtpd's name
        self.mails.append(envelope.content)
        return "250 Taken"

    def __call__(self, server, session, envelope, mechanism, data):
        self.passwords.append(data)
        return AuthResult(success=True)


@pytest.fixture
def post_office(vendor, route_to, place_order, unused_tcp_port):
    """Deliver one order through a mail server; what it learnt and what became of the route."""
    started = []

    def deliver(certificate=None):
        post, context = Post(), None
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
        options = {"tls_context": context, "authenticator": post, "auth_require_tls": False}
        server = Controller(post, hostname="127.0.0.1", port=unused_tcp_port, **options)
        server.start()
        started.append(server)
        route_to(
            "email",
            {"to": "x@fowlers.localhost", "smtp_host": HOST, "smtp_port": server.port, "smtp_user": "fowlers"},
            SECRETS,
        )
        place_order(vendor)
        drain()
        return post, Route.objects.get()

    yield deliver
    for server in started:
        server.stop()


def test_a_server_without_encryption_gets_no_password(post_office):
    post, route = post_office()
    assert (post.passwords, post.mails, route.state) == ([], [], "held")
    assert "STARTTLS" in route.reason


def test_a_server_that_nobody_vouches_for_gets_no_password(post_office, certificate):
    post, route = post_office(certificate)
    assert (post.passwords, post.mails, route.state) == ([], [], "held")
    assert "certificate" in route.reason


def test_control_a_server_with_a_valid_certificate_gets_it_and_the_mail(post_office, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    post, route = post_office(certificate)
    assert (len(post.passwords), len(post.mails), route.state) == (1, 1, "enabled")


@pytest.mark.parametrize(
    ("reply", "outcome"), [("552 Mailbox full", "retry"), ("452 Try later", "retry"), ("550 No such user", "refused")]
)
def test_full_mailbox_passes_and_a_missing_one_does_not(
    reply, outcome, vendor, route_to, place_order, unused_tcp_port, dispatch_of
):
    class Refusing:
        async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802 -- aiosmtpd's name
            return reply

    server = Controller(Refusing(), hostname="127.0.0.1", port=unused_tcp_port)
    server.start()
    try:
        route_to("email", {"to": "x@fowlers.localhost", "smtp_host": HOST, "smtp_port": unused_tcp_port})
        order = place_order(vendor)
        assert drain() == {outcome: 1}
    finally:
        server.stop()
    attempt = dispatch_of(order).attempts.get()
    assert attempt.code == reply[:3]
