"""The registry: the served hosts and the community of each, held in memory by every node.

A request costs no query. Every change of a Community or Domain raises RegistryVersion in its own transaction; the node
that made the change reads the registry anew at its commit. The others are notified by PostgreSQL (notifications.py),
and poll the number every ``REGISTRY_POLL_SECONDS`` (default 0.5) where notifications do not come. Where the database
is away, the last snapshot stays.
"""

from __future__ import annotations

import contextlib
import logging
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from django.db import DatabaseError, connection
from django.utils.module_loading import import_string

from sessions_farm.communities.conf import community_options
from sessions_farm.communities.errors import RegistryUnavailableError
from sessions_farm.communities.identity import mall_ids
from sessions_farm.communities.models import Community, Domain, RegistryVersion
from sessions_farm.communities.notifications import RegistryListener

logger = logging.getLogger(__name__)

COLUMNS = ("pk", "host", "kind", "community_id", "canonical__host")
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


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
    checkout_healing: bool = True
    resync_after: int = 0  # seconds; 0: never
    paused_until: float = 0  # Unix seconds
    key_epoch: int = 1
    id_generator: str = ""
    cookieless: bool = False
    canonical_host: str = ""  # where an alias leads; '' for a host that serves pages itself
    previous_master: str = ""  # asked about who came before, until its time is over: use ``former_master``
    previous_master_until: float = 0  # Unix seconds

    @property
    def is_master(self) -> bool:
        """Whether this host is its community's master."""
        return self.host == self.master_host

    @property
    def cookie_scope(self) -> tuple[str, ...]:
        return self.community, str(self.key_epoch)

    @property
    def sees_guarded(self) -> bool:
        return self.is_master

    @property
    def issues_ids(self) -> bool:
        return self.is_master

    def new_id(self) -> str:
        return mall_ids.new_id(self)

    @property
    def former_master(self) -> str:
        """The host that was the master until a while ago and still vouches for its visitors; '' for none."""
        return self.previous_master if time.time() < self.previous_master_until else ""

    @property
    def is_paused(self) -> bool:
        """Whether no hand-off begins now."""
        return time.time() < self.paused_until


@dataclass(frozen=True, slots=True)
class ExternalMember:
    """A member of a community outside this farm, as every node holds it in memory."""

    host: str
    community_id: int
    community: str
    redirect_uris: tuple[str, ...]  # an answer goes to one of these, to the letter
    secrets: tuple[
        tuple[str, float], ...
    ] = ()  # digest and end (Unix seconds, 0: none); without any it redeems nothing

    @property
    def client_id(self) -> str:
        return self.host


@dataclass(frozen=True, slots=True)
class RegistrySnapshot:
    """The served hosts at one version of the registry; immutable."""

    version: int
    exact: Mapping[str, Member] = field(default_factory=dict)
    wildcards: Mapping[str, Member] = field(default_factory=dict)  # by the part below the first label
    externals: Mapping[str, ExternalMember] = field(default_factory=dict)
    masters: Mapping[int, Member] = field(default_factory=dict)  # by community
    hosts: Mapping[int, tuple[str, ...]] = field(default_factory=dict)  # by community
    in_use: frozenset[str] | None = None  # as HOSTS_IN_USE names them; None where it is not set

    def resolve(self, host: str) -> Member | None:
        """Return the member behind a host (lower case, no port): an exact one, else a wildcard one label above it.

        Where the hosts in use are known, a wildcard stands for these alone: strangers may invent any other label.
        """
        if member := self.exact.get(host):
            return member
        label, _, parent = host.partition(".")
        above = self.wildcards.get(parent)
        if above is None or not LABEL.fullmatch(label) or not (self.in_use is None or host in self.in_use):
            return None
        return replace(above, host=host)

    def may_have_certificate(self, host: str) -> bool:
        """Return whether a certificate may be had for a host: an exact domain, or a used label below a wildcard.

        Each exact domain was added by itself. Labels can be invented without end, so where the used ones are not known
        none has a certificate of its own: a wildcard certificate serves them.
        """
        return host in self.exact or (self.in_use is not None and self.resolve(host) is not None)

    def is_idle(self, host: str) -> bool:
        """Return whether an exact host is served, and no page uses it: it is no master and leads nowhere."""
        member = self.exact.get(host)
        if member is None or member.is_master or member.canonical_host or self.in_use is None:
            return False
        return host not in self.in_use


def read_version() -> int:
    """Return the registry's version in the database."""
    return RegistryVersion.objects.values_list("number", flat=True).first() or 0


def read_snapshot() -> RegistrySnapshot:
    """Return the registry, in five queries and those of HOSTS_IN_USE.

    The version is read first, so a change in between is read again, never missed.
    """
    version = read_version()
    communities = {community.pk: community for community in Community.objects.active()}
    exact: dict[str, Member] = {}
    wildcards: dict[str, Member] = {}
    hosts: dict[int, list[str]] = {}
    served = Domain.objects.active().exclude(kind=Domain.Kind.EXTERNAL)
    for row in served.values_list(*COLUMNS, named=True):
        community = communities.get(row.community_id)
        if community is None:
            continue
        wild = row.kind == Domain.Kind.WILDCARD
        (wildcards if wild else exact)[row.host] = member_from_row(row, community)
        hosts.setdefault(community.pk, []).append(f"*.{row.host}" if wild else row.host)
    return RegistrySnapshot(
        version,
        MappingProxyType(exact),
        MappingProxyType(wildcards),
        MappingProxyType(read_externals()),
        MappingProxyType({member.community_id: member for member in exact.values() if member.is_master}),
        MappingProxyType({community_id: tuple(sorted(names)) for community_id, names in hosts.items()}),
        read_hosts_in_use(),
    )


def read_hosts_in_use() -> frozenset[str] | None:
    """Return the hosts that the project's pages use; None where ``HOSTS_IN_USE`` is not set."""
    path = community_options().hosts_in_use
    return frozenset(import_string(path)()) if path else None


def member_from_row(row: Any, community: Community) -> Member:
    """Return the member of a row of plain values: instances of ten thousand domains take several times as long."""
    return Member(
        host=row.host,
        domain_id=row.pk,
        community_id=community.pk,
        community=community.slug,
        name=community.name,
        cookie_name=community.cookie_name,
        master_host=community.master.host if community.master else "",
        handoff_policy=community.handoff_policy,
        peer_authority=community.peer_authority,
        first_add_landing=community.first_add_landing,
        checkout_healing=community.checkout_healing,
        resync_after=community.resync_hours * 3600,
        paused_until=community.paused_until.timestamp() if community.paused_until else 0,
        key_epoch=community.key_epoch,
        id_generator=community.id_generator,
        cookieless=community.cookieless,
        canonical_host=row.canonical__host or "",
        previous_master=community.former_master.host if community.former_master else "",
        previous_master_until=community.former_master_until.timestamp() if community.former_master_until else 0,
    )


def read_externals() -> dict[str, ExternalMember]:
    """Return the external members whose owners are proven, by host, in two queries."""
    domains = Domain.objects.active().filter(kind=Domain.Kind.EXTERNAL)
    return {
        domain.host: ExternalMember(
            host=domain.host,
            community_id=domain.community_id,
            community=domain.community.slug,
            redirect_uris=tuple(domain.redirect_uris.split()),
            secrets=tuple(
                (each.digest, each.ends_at.timestamp() if each.ends_at else 0) for each in domain.secrets.all()
            ),
        )
        for domain in domains.select_related("community").prefetch_related("secrets")
        if domain.verified_at or not domain.needs_proof
    }


class Registry:
    """The snapshot of this process, and the thread that keeps it fresh."""

    def __init__(self) -> None:
        self._snapshot: RegistrySnapshot | None = None
        self._reading = threading.Lock()
        self._poller: threading.Thread | None = None
        self._stopped = threading.Event()
        self._listener: RegistryListener

    def resolve(self, host: str) -> Member | None:
        """Return the member that serves a host."""
        return self.current().resolve(host)

    def external_member(self, host: str) -> ExternalMember | None:
        """Return the external member with a host."""
        return self.current().externals.get(host)

    def hosts_of(self, community_id: int) -> list[str]:
        """Return the served hosts of a community, sorted; a wildcard as ``*.host``."""
        return list(self.current().hosts.get(community_id, ()))

    def external_hosts_of(self, community_id: int) -> list[str]:
        """Return the hosts of a community outside the farm, sorted."""
        return sorted(host for host, each in self.current().externals.items() if each.community_id == community_id)

    def master_of(self, community_id: int) -> Member:
        """Return the master of a community. Raise LookupError where none is served."""
        try:
            return self.current().masters[community_id]
        except KeyError:
            raise LookupError(
                f"Community {community_id} has no served master; give it an active domain as its master."
            ) from None

    def current(self) -> RegistrySnapshot:
        """Return the snapshot, which is read at the first call. Raise RegistryUnavailableError."""
        self._keep_polling()
        snapshot = self._snapshot
        if snapshot is not None:
            return snapshot
        with self._reading:
            if self._snapshot is None:
                self._snapshot = self._read()
            return self._snapshot

    def refresh(self) -> None:
        """Read the registry now. Where the database is away, keep the last snapshot."""
        with self._reading:
            try:
                self._snapshot = read_snapshot()
            except DatabaseError as error:
                logger.warning("The registry of domains cannot be read, the last one stays: %s", error)

    def forget(self) -> None:
        """Drop the snapshot: the next call reads it."""
        self._snapshot = None

    def on_changing(self, **_kwargs: Any) -> None:
        """Receive ``registry_changing``: without polling, the transaction that changes hosts sees them at once."""
        if not poll_interval():
            self.forget()

    def on_changed(self, **_kwargs: Any) -> None:
        """Receive ``registry_changed``."""
        if self._snapshot is not None:
            self.refresh()

    def poll(self) -> None:
        """Read the registry anew where another process has changed it."""
        snapshot = self._snapshot
        if snapshot is not None and read_version() != snapshot.version:
            self.refresh()

    def stop(self) -> None:
        """End the thread; the next call starts another."""
        if self._poller is not None and self._poller.is_alive():
            self._stopped.set()
            self._listener.wake()
            self._poller.join()

    def _read(self) -> RegistrySnapshot:
        try:
            return read_snapshot()
        except DatabaseError as error:
            raise RegistryUnavailableError("The registry of domains was never read and cannot be read now.") from error

    def _keep_polling(self) -> None:
        # is_alive() is False in a forked child too, so each process of a pre-forking server starts its own.
        if (self._poller is not None and self._poller.is_alive()) or not poll_interval():
            return
        with self._reading:
            if self._poller is None or not self._poller.is_alive():
                self._stopped.clear()
                self._listener = RegistryListener()
                self._poller = threading.Thread(target=self._poll_for_ever, name="registry-poll", daemon=True)
                self._poller.start()

    def _poll_for_ever(self) -> None:
        with contextlib.closing(self._listener):
            while not self._stopped.is_set():
                self._listener.wait(poll_interval() or 1)
                self._poll_once()

    def _poll_once(self) -> None:
        try:
            self.poll()
        except DatabaseError as error:
            logger.warning("The registry's version cannot be read, the last snapshot stays: %s", error)
        finally:
            # A pool or an idle limit may have closed it under us; closing twice is no error we could act on.
            with contextlib.suppress(DatabaseError):
                connection.close()


def poll_interval() -> float:
    """Return the seconds between polls. 0 starts no thread: then only this process's own changes are seen."""
    return community_options().registry_poll_seconds


registry = Registry()
