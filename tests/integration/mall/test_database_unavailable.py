"""A database that does not answer: pages say so with 503 and when to come back, never with a traceback."""

import logging

import pytest
from django.db import InterfaceError, OperationalError, ProgrammingError, connection
from django.test import Client
from psycopg.errors import DeadlockDetected, LockNotAvailable, SerializationFailure

from cart.transactions import RowLockTimeoutError
from tests.support.shop import MASTER, add_goods, make_shop

STORE = "amber.localhost"
PAGES = [
    *((MASTER, page) for page in ("/", "/search/", "/cart/", "/about/", "/accounts/login/", "/stores/basalt/support/")),
    *((MASTER, page) for page in ("/stores/basalt/products/vase/", "/orders/status/forged/", "/not-found/")),
    *((STORE, page) for page in ("/", "/products/lamp/", "/cart/", "/not-found/")),
]


@pytest.fixture
def visit(db):
    shop = make_shop()
    vase = add_goods(shop, "basalt", "Vase")
    add_goods(shop, "amber", "Lamp")

    def opened(host, page, fault):
        client = Client(headers={"host": host}, raise_request_exception=False)
        client.post("/cart/add/", {"variant": vase.pk, "quantity": 1})  # the node knows its hosts, and us, by now

        def away(*_call):
            raise fault

        with connection.execute_wrapper(away):
            return client.get(page)

    return opened


@pytest.mark.parametrize(("host", "page"), PAGES)
def test_a_page_without_a_database_asks_to_come_back(visit, host, page):
    response = visit(host, page, OperationalError("the connection is closed"))
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert "Try again" in response.content.decode()


def conflict(cause: Exception) -> OperationalError:
    error = OperationalError("in the way")
    error.__cause__ = cause
    return error


CONFLICTS = [
    *(conflict(cause) for cause in (DeadlockDetected(), SerializationFailure(), LockNotAvailable())),
    RowLockTimeoutError("in the way"),
]


@pytest.mark.parametrize("fault", CONFLICTS, ids=lambda fault: type(fault.__cause__ or fault).__name__)
def test_another_transaction_in_the_way_is_no_outage(visit, caplog, fault):
    response = visit(MASTER, "/cart/", fault)
    page = response.content.decode()
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert "Many people are changing the same thing" in page
    assert "cannot be reached" not in page
    assert not any("database is unavailable" in record.getMessage() for record in caplog.records)


def test_a_view_without_a_database_writes_a_line_and_no_traceback(visit, caplog):
    assert visit(MASTER, "/search/", InterfaceError("connection already closed")).status_code == 503
    faults = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert any("database is unavailable" in record.getMessage() for record in faults)
    assert [record for record in faults if record.exc_info] == []


def test_control_a_fault_of_ours_stays_a_fault(visit):
    response = visit(MASTER, "/search/", ProgrammingError("no such column"))
    assert response.status_code == 500
