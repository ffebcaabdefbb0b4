"""Which hosts are served, and to which community each belongs."""

from __future__ import annotations

from dataclasses import dataclass


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

    @property
    def is_master(self) -> bool:
        return self.host == self.master_host


class Registry:
    """The hosts in memory; see the design of the registry."""

    def resolve(self, host: str) -> Member | None:
        raise NotImplementedError

    def hosts_of(self, community_id: int) -> list[str]:
        raise NotImplementedError


registry = Registry()
