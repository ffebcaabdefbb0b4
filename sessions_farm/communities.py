"""Which hosts are served, and to which community each belongs: the registry, held in memory by every node.

A request costs no query. Every change of a Community or Domain raises RegistryVersion in its own transaction; the node
that made the change reads anew at its commit, the others see the number by a thread that looks once in
``SESSIONS_FARM["REGISTRY_POLL_SECONDS"]`` (default 0.5). Where the database is away, the last snapshot stays.
"""

from __future__ import annotations

import contextlib
import logging
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from django.db import DatabaseError, connection

from sessions_farm.conf import options
from sessions_farm.models import Community, Domain, RegistryVersion

logger = logging.getLogger(__name__)

LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


class RegistryUnavailable(Exception):
    """The registry was never read and the database does not answer."""


@dataclass(frozen=True, slots=True)
class Member:
    """One host of a community, as every node holds it in memory."""

    host: str
    domain_id: int
    community_id: int
    community: str
    name: str
    cookie_name: str
    master_host: str
    handoff_policy: str = "eager"
    peer_authority: bool = True
    first_add_landing: bool = True
    key_epoch: int = 1
    id_generator: str = ""
    cookieless: bool = False
    canonical_host: str = ""  # where an alias leads; '' for a host that serves pages itself

    @property
    def is_master(self) -> bool:
        return self.host == self.master_host


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The served hosts at one version of the registry; never changed once it is built."""

    version: int
    exact: Mapping[str, Member] = field(default_factory=dict)
    wildcards: Mapping[str, Member] = field(default_factory=dict)  # by the part below the first label
    hosts: Mapping[int, tuple[str, ...]] = field(default_factory=dict)

    def resolve(self, host: str) -> Member | None:
        """The member behind ``host`` (lower case, no port): an exact one, else a wildcard one label above it."""
        if member := self.exact.get(host):
            return member
        label, _, parent = host.partition(".")
        above = self.wildcards.get(parent)
        if above is None or not LABEL.fullmatch(label):
            return None
        return replace(above, host=host)


def read_version() -> int:
    return RegistryVersion.objects.values_list("number", flat=True).first() or 0


def read_snapshot() -> Snapshot:
    """Read the registry: two queries. The version first, so a change in between is read again, never missed."""
    version = read_version()
    exact: dict[str, Member] = {}
    wildcards: dict[str, Member] = {}
    hosts: dict[int, list[str]] = {}
    for domain in Domain.objects.served():
        member = as_member(domain)
        wild = domain.kind == Domain.Kind.WILDCARD
        (wildcards if wild else exact)[domain.host] = member
        hosts.setdefault(domain.community_id, []).append(str(domain))
    return Snapshot(
        version,
        MappingProxyType(exact),
        MappingProxyType(wildcards),
        MappingProxyType({community_id: tuple(sorted(names)) for community_id, names in hosts.items()}),
    )


def as_member(domain: Domain) -> Member:
    community: Community = domain.community
    return Member(
        host=domain.host,
        domain_id=domain.pk,
        community_id=community.pk,
        community=community.slug,
        name=community.name,
        cookie_name=community.cookie_name,
        master_host=community.master.host if community.master else "",
        handoff_policy=community.handoff_policy,
        peer_authority=community.peer_authority,
        first_add_landing=community.first_add_landing,
        key_epoch=community.key_epoch,
        id_generator=community.id_generator,
        cookieless=community.cookieless,
        canonical_host=domain.canonical.host if domain.canonical else "",
    )


class Registry:
    """The snapshot of this process and the thread that keeps it fresh."""

    def __init__(self) -> None:
        self._snapshot: Snapshot | None = None
        self._reading = threading.Lock()
        self._poller: threading.Thread | None = None
        self._stopped = threading.Event()

    def resolve(self, host: str) -> Member | None:
        return self.current().resolve(host)

    def hosts_of(self, community_id: int) -> list[str]:
        """The served hosts of a community, sorted; a wildcard as ``*.host``."""
        return list(self.current().hosts.get(community_id, ()))

    def master_of(self, community_id: int) -> Member:
        """Raise LookupError where the community has no served master."""
        for member in self.current().exact.values():
            if member.community_id == community_id and member.is_master:
                return member
        raise LookupError(f"Community {community_id} has no served master; give it an active domain as its master.")

    def current(self) -> Snapshot:
        """The snapshot; read at the first call. Raise RegistryUnavailable where that fails."""
        self._keep_polling()
        snapshot = self._snapshot
        if snapshot is not None:
            return snapshot
        with self._reading:
            if self._snapshot is None:
                self._snapshot = self._read()
            return self._snapshot

    def refresh(self) -> None:
        """Read now. Where the database is away, keep what is held."""
        with self._reading:
            try:
                self._snapshot = read_snapshot()
            except DatabaseError as error:
                logger.warning("The registry of domains cannot be read, the last one stays: %s", error)

    def forget(self) -> None:
        """Drop the snapshot: the next question reads it."""
        self._snapshot = None

    def changing(self, **_kwargs: Any) -> None:
        """Receive ``registry_changing``: where nothing polls, the transaction that changes hosts sees them at once."""
        if not poll_seconds():
            self.forget()

    def changed(self, **_kwargs: Any) -> None:
        """Receive ``registry_changed``."""
        if self._snapshot is not None:
            self.refresh()

    def poll(self) -> None:
        """Read anew where another process has changed the registry."""
        snapshot = self._snapshot
        if snapshot is not None and read_version() != snapshot.version:
            self.refresh()

    def stop(self) -> None:
        """End the thread; the next question starts another."""
        if self._poller is not None:
            self._stopped.set()
            self._poller.join()

    def _read(self) -> Snapshot:
        try:
            return read_snapshot()
        except DatabaseError as error:
            raise RegistryUnavailable("The registry of domains was never read and cannot be read now.") from error

    def _keep_polling(self) -> None:
        # is_alive() is False in a forked child too, so each process of a pre-forking server starts its own.
        if (self._poller is not None and self._poller.is_alive()) or not poll_seconds():
            return
        with self._reading:
            if self._poller is None or not self._poller.is_alive():
                self._stopped.clear()
                self._poller = threading.Thread(target=self._poll_for_ever, name="registry-poll", daemon=True)
                self._poller.start()

    def _poll_for_ever(self) -> None:
        while not self._stopped.wait(poll_seconds() or 1):
            try:
                self.poll()
            except DatabaseError as error:
                logger.warning("The registry's version cannot be read, the last snapshot stays: %s", error)
            finally:
                # A pool or an idle limit may have closed it under us; closing twice is no error we could act on.
                with contextlib.suppress(DatabaseError):
                    connection.close()


def poll_seconds() -> float:
    """0 starts no thread: then only this process's own changes and refresh() are seen (tests, one-shot commands)."""
    return options().registry_poll_seconds


registry = Registry()
