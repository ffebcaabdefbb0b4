"""What no log may hold: addresses and codes that grant something to whoever reads them."""

import logging

import pytest
from django.test import Client
from structlog.stdlib import ProcessorFormatter

from mall import logs
from tests.support.shop import MASTER, add_goods, begin, make_shop, order_of, visitor_with

GRANTING = [
    "/orders/status/SECRET/",
    "/orders/status/SECRET",
    "/ship/ack/SECRET/",
    "/pay/sandbox/SECRET/bank/",
    "/accounts/password/reset/key/SECRET/",
    "/accounts/confirm-email/SECRET/",
    "/checkout/back/sandbox/?reference=M-1&signature=SECRET",
    "/.mall/finish?code=SECRET&state=SECRET",
    "/join/SECRET/",
    "/accounts/signup/?next=%2Fjoin%2FSECRET%2F",
    "/accounts/login/?next=%2forders%2fstatus%2fSECRET%3A1x%2f",
    "/accounts/login/?a=1&next=http%3A%2F%2Fmall.localhost%2Forders%2Fstatus%2FSECRET%3A1x%2F",
]


@pytest.mark.parametrize("address", GRANTING)
@pytest.mark.parametrize("field", ["event", "request"])
def test_what_an_address_grants_is_not_written(address, field):
    line = logs._redact(None, "", {field: f"GET {address}"})[field]
    assert "SECRET" not in line
    assert line.startswith(f"GET {address.partition('SECRET')[0]}REDACTED")


def test_other_addresses_are_written_whole():
    address = "GET /pay/sandbox-castle/?signature_tune=1&q=/orders/status"
    assert logs._redact(None, "", {"request": address})["request"] == address


@pytest.mark.timeout(30)
@pytest.mark.parametrize("piece", ["x", ".", "a.b", "%3A", "/ship/ack", "?signature=", "ticket="])
def test_a_long_address_holds_up_nobody(piece):
    """Anyone may ask for any address: a look that takes time by its length squared took an hour for this one."""
    address = "GET /" + piece * (1_000_000 // len(piece))
    assert logs._redact(None, "", {"request": address})["request"].startswith("GET /")


def test_a_visit_of_the_status_page_does_not_log_its_link(db, caplog):
    shop = make_shop()
    link = order_of(begin(visitor_with(shop, lamp=(add_goods(shop, "amber", "Lamp"), 1)))).get_absolute_url()
    with caplog.at_level(logging.INFO):
        assert Client(headers={"host": MASTER}).get(link).status_code == 200
        assert Client(headers={"host": MASTER}).get(f"{link}x/").status_code == 404
    formatters = (handler.formatter for handler in logging.getLogger().handlers)
    ours = next(each for each in formatters if isinstance(each, ProcessorFormatter))
    written = [ours.format(record) for record in caplog.records]
    assert any("Not Found" in line for line in written)
    assert any("/orders/status/REDACTED" in line for line in written)
    assert [line for line in written if link.split("/")[3] in line] == []


def test_a_line_tells_host_time_and_the_connections_own_address(db, caplog):
    make_shop()
    forged = {"x-real-ip": "203.0.113.9", "x-forwarded-for": "203.0.113.9", "forwarded": "for=203.0.113.9"}
    with caplog.at_level(logging.INFO, "django_structlog"):
        Client(headers={"host": MASTER, **forged}, REMOTE_ADDR="198.51.100.7").get("/about/")
    (line,) = (
        each.msg for each in caplog.records if isinstance(each.msg, dict) and each.msg["event"] == "request_finished"
    )
    assert (line["host"], line["ip"]) == (MASTER, "198.51.100.7")
    assert line["ms"] > 0
