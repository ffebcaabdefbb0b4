"""The health probe: each node asks every few seconds, by the public way, whether its hand-offs' authorities answer.

So a node learns that a master is down before it redirects a visitor there. One thread a process probes the hosts that
hand-offs of this process would go to.
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
from sessions_farm.communities.handoff.circuit_breakers import breaker_of, forget_others, judged_hosts
from sessions_farm.communities.handoff.errors import ProbeSetupError
from sessions_farm.communities.links import DEFAULT_PORTS, origin

logger = logging.getLogger(__name__)

TIMEOUT = 1.0  # seconds for connecting, and for the answer
RETRY_AFTER = 0.5  # seconds after a failure: a second one opens the circuit breaker
LOOPBACK = "127.0.0.1"


class HealthProbe:
    """Watches masters; ``watch`` is called by every hand-off that would begin, and costs a look into a set."""

    def __init__(self) -> None:
        self.hosts: frozenset[str] = frozenset()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._stopped = threading.Event()

    def watch(self, host: str) -> None:
        """Probe a master or former master for as long as it is one; the first call of a process starts its thread."""
        # is_alive() is False in a forked child too, so each process of a pre-forking server starts its own.
        if not community_options().probe_seconds or (host in self.hosts and self._thread and self._thread.is_alive()):
            return
        with self._starting:
            named = judged_hosts()
            self.hosts = (self.hosts | {host}) & named
            forget_others(named)
            if self._thread is None or not self._thread.is_alive():
                self._stopped.clear()
                self._thread = threading.Thread(target=self._probe_for_ever, name="handoff-probe", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """End the thread and forget the hosts; the next hand-off starts another."""
        if self._thread is not None:
            self._stopped.set()
            self._thread.join()
        self.hosts = frozenset()

    def _probe_for_ever(self) -> None:
        has_failed = False
        while not self._stopped.wait(RETRY_AFTER if has_failed else community_options().probe_seconds):
            has_failed = False in {host: probe_host(host) for host in self.hosts}.values()


def probe_host(host: str) -> bool:
    """Return whether a host answers, and tell its circuit breaker; True where the probe cannot know."""
    breaker = breaker_of(host)
    was_open = breaker.is_open
    try:
        answered = is_healthy(host)
    except ProbeSetupError as error:
        logger.warning("Nobody knows whether %s answers: %s", host, error)
        return True
    breaker.record_probe(answered=answered)
    if not breaker.ever_answered:
        logger.warning(
            "%s never answered this node's probe, so its silence tells nothing. If it is up, let this node reach it as "
            "browsers do, or say by PROBE_ADDRESS and PROBE_CA how; or switch the probe off (PROBE_SECONDS = 0).",
            host,
        )
    if was_open != breaker.is_open:
        logger.warning(
            "%s %s; hand-offs %s.", host, *(("answers again", "go on") if answered else ("is silent", "rest"))
        )
    return answered


def is_healthy(host: str) -> bool:
    """Return whether ``/.mall/health`` of the host says 200. Raise ProbeSetupError."""
    parts = urlsplit(origin(host))
    port = parts.port or DEFAULT_PORTS[parts.scheme]
    secure = _tls_context() if parts.scheme == "https" else None
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT)
    try:
        plain = socket.create_connection(probe_address(host, port), timeout=TIMEOUT)
        connection.sock = secure.wrap_socket(plain, server_hostname=host) if secure else plain
        connection.request("GET", paths.HEALTH, headers={"Host": parts.netloc})
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException) as error:
        logger.info("%s does not answer: %s", host, error)
        return False
    finally:
        connection.close()


def probe_address(host: str, port: int) -> tuple[str, int]:
    """Return the address to dial: ``PROBE_ADDRESS``, else the host; ``*.localhost`` is loopback (RFC 6761)."""
    if dialled := community_options().probe_address:
        name, _, number = dialled.rpartition(":")
        return name.strip("[]"), int(number)
    return (LOOPBACK if host.endswith(".localhost") else host), port


def _tls_context() -> ssl.SSLContext:
    file = community_options().probe_ca
    try:
        return ssl.create_default_context(cafile=file or None)
    except (OSError, ssl.SSLError) as error:
        raise ProbeSetupError(f'SESSIONS_FARM_COMMUNITIES["PROBE_CA"] = {file!r} cannot be read: {error}') from error


probe = HealthProbe()
