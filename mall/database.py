"""Connections to PostgreSQL: the address's own options, the longest waits, and a checked pool.

Persistent connections leak under ASGI, where threads come and go, so a pool belongs to the process. A connection is
looked at before it is lent: a server that went away has closed it, and that is seen without a round trip. Each wait for
an answer ends, also where the server is frozen while its machine goes on taking packets (ADR 50).
"""

from __future__ import annotations

import contextlib
import select
from typing import Any

import psycopg
from psycopg.abc import RV, PQGen

CONNECT_SECONDS = 5  # to one host; libpq's own default is no end
WAIT_FOR_A_PLACE = 5.0  # seconds for a connection of the pool, then the page is 503
STATEMENT_SECONDS = 10  # of a page; the server ends the statement
ANSWER_SECONDS = STATEMENT_SECONDS + 2.0  # of a page; the node gives the connection up
IDLE_SECONDS = {True: 30, False: 300}  # in a transaction, of pages and of workers: then the server frees its locks
POLL_SECONDS = 0.1  # psycopg's own interval
# A peer that vanished without a word is noticed by TCP within 15 seconds, not within two hours.
TCP = {
    "keepalives_idle": 5,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,  # milliseconds
}


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that is closed where an answer takes longer than ANSWER_SECONDS."""

    def wait(self, gen: PQGen[RV], interval: float = POLL_SECONDS, timeout: float | None = None) -> RV:
        """Perform a psycopg generator. Raise OperationalError after the time-out, by default that of a page."""
        bound = ANSWER_SECONDS if timeout is None else timeout
        try:
            return super().wait(gen, interval=interval, timeout=bound)
        except psycopg.errors._WaitTimeout:  # noqa: SLF001 -- psycopg has no other name for it
            if timeout is None:
                self.pgconn.finish()
                raise psycopg.OperationalError(f"PostgreSQL gave no answer for {bound:g} seconds.") from None
            raise


def require_open(connection: psycopg.Connection[Any]) -> None:
    """Raise OperationalError where the server has closed a connection that rested: anything it sent is a farewell."""
    poll = select.poll()
    with contextlib.suppress(psycopg.OperationalError):
        poll.register(connection.fileno(), select.POLLIN)
        if not poll.poll(0):
            return
    connection.pgconn.finish()
    raise psycopg.OperationalError("The server has closed this connection.")


def configured(address: dict[str, Any], *, pool: int, is_pooler: bool = False) -> dict[str, Any]:
    """Return a database of Django's settings from a parsed DATABASE_URL, whose own options come first.

    ``pool``: connections of a web node's process; 0 for workers and commands, which fork and use one at a time. Behind
    a transaction pooler nothing belongs to a connection, and PgBouncer takes no limits at its start (ADR 72).
    """
    given = dict(address.get("OPTIONS", {}))
    limits = f"-c idle_in_transaction_session_timeout={IDLE_SECONDS[bool(pool)]}s"
    if pool:
        limits += f" -c statement_timeout={STATEMENT_SECONDS}s"
    options: dict[str, Any] = {
        "connect_timeout": CONNECT_SECONDS,
        "prepare_threshold": None if is_pooler else 5,  # the session store asks for prepared statements
        **TCP,
        **given,
    }
    if not is_pooler:
        options["options"] = f"{limits} {given.get('options', '')}".strip()
    if pool:
        options["pool"] = {
            "min_size": 1,
            "max_size": pool,
            "timeout": WAIT_FOR_A_PLACE,
            # psycopg's pool tries again after 1, 2, 4 ... seconds: without this it came back long after its server.
            "reconnect_timeout": 1.0,
            "connection_class": BoundedConnection,
            "check": require_open,
        }
    return address | {"CONN_MAX_AGE": 0, "DISABLE_SERVER_SIDE_CURSORS": is_pooler, "OPTIONS": options}
