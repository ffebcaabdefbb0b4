"""Asks, every few seconds and from each node, whether the hosts that vouch for visitors answer, by the public way.

So a node learns that a master is out of reach before it sends anybody there. One thread a process, which looks after
the hosts that hand-offs of this process would go to.
"""

from __future__ import annotations

import http.client
import logging
import socket
import ssl
import threading
from urllib.parse import urlsplit

from sessions_farm.communities.conf import community_options
from sessions_farm.communities.handoff import paths
from sessions_farm.communities.handoff.breaker import breaker_of
from sessions_farm.communities.links import DEFAULT_PORTS, origin

logger = logging.getLogger(__name__)

TIMEOUT = 1.0  # seconds for connecting, and for the answer
AGAIN_AFTER = 0.5  # seconds after a silence: a second one closes the way
LOOPBACK = "127.0.0.1"


class CannotAsk(Exception):
    """The probe itself is set up amiss: nothing is known of the host."""


class Probe:
    """Watches hosts; ``watch`` is called by every hand-off that would begin, and costs a look into a set."""

    def __init__(self) -> None:
        self._hosts: frozenset[str] = frozenset()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._stopped = threading.Event()

    def watch(self, host: str) -> None:
        # is_alive() is False in a forked child too, so each process of a pre-forking server starts its own.
        if not community_options().probe_seconds or (host in self._hosts and self._thread and self._thread.is_alive()):
            return
        with self._starting:
            self._hosts |= {host}
            if self._thread is None or not self._thread.is_alive():
                self._stopped.clear()
                self._thread = threading.Thread(target=self._ask_for_ever, name="handoff-probe", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """End the thread and forget the hosts; the next hand-off starts another."""
        if self._thread is not None:
            self._stopped.set()
            self._thread.join()
        self._hosts = frozenset()

    def _ask_for_ever(self) -> None:
        silent = False
        while not self._stopped.wait(AGAIN_AFTER if silent else community_options().probe_seconds):
            silent = False in {host: ask(host) for host in self._hosts}.values()


def ask(host: str) -> bool:
    """Whether the host answered, as its breaker learns too."""
    breaker = breaker_of(host)
    before = breaker.lets_through()
    try:
        answered = answers(host)
    except CannotAsk as error:
        logger.warning("Nobody knows whether %s answers: %s", host, error)
        return True
    breaker.probed(answered=answered)
    if not breaker.was_heard:
        logger.warning(
            "%s never answered this node's probe, so its silence tells nothing. If it is up, let this node reach it as "
            "browsers do, or say by PROBE_ADDRESS and PROBE_CA how; or switch the probe off (PROBE_SECONDS = 0).",
            host,
        )
    if before != breaker.lets_through():
        logger.warning(
            "%s %s; hand-offs %s.", host, *(("answers again", "go on") if answered else ("is silent", "rest"))
        )
    return answered


def answers(host: str) -> bool:
    """Whether ``/.mall/health`` of the host says 200. Raise CannotAsk."""
    parts = urlsplit(origin(host))
    port = parts.port or DEFAULT_PORTS[parts.scheme]
    secure = context() if parts.scheme == "https" else None
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT)
    try:
        plain = socket.create_connection(address_of(host, port), timeout=TIMEOUT)
        connection.sock = secure.wrap_socket(plain, server_hostname=host) if secure else plain
        connection.request("GET", paths.HEALTH, headers={"Host": parts.netloc})
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException) as error:
        logger.info("%s does not answer: %s", host, error)
        return False
    finally:
        connection.close()


def address_of(host: str, port: int) -> tuple[str, int]:
    """Where to dial: what ``PROBE_ADDRESS`` says, else the host. Names below ``localhost`` are loopback (RFC 6761)."""
    if dialled := community_options().probe_address:
        name, _, number = dialled.rpartition(":")
        return name.strip("[]"), int(number)
    return (LOOPBACK if host.endswith(".localhost") else host), port


def context() -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=community_options().probe_ca or None)
    except (OSError, ssl.SSLError) as error:
        raise CannotAsk(
            f'SESSIONS_FARM_COMMUNITIES["PROBE_CA"] = {community_options().probe_ca!r} cannot be read: {error}'
        ) from error


probe = Probe()
