"""The farm's models, from one door."""

from sessions_farm.models.communities import Community, MergeMarker
from sessions_farm.models.domains import HOST, Domain, DomainQuerySet
from sessions_farm.models.events import ToldEvent
from sessions_farm.models.registry import CHANNEL, RegistryQuerySet, RegistryRow, RegistryVersion
from sessions_farm.models.sessions import (
    Lease,
    OneUseCode,
    OutboxEvent,
    Session,
    SharedChange,
    Tier,
    Tombstone,
    Variable,
    Visitor,
    VisitorKey,
)

__all__ = [
    "CHANNEL",
    "HOST",
    "Community",
    "Domain",
    "DomainQuerySet",
    "Lease",
    "MergeMarker",
    "OneUseCode",
    "OutboxEvent",
    "RegistryQuerySet",
    "RegistryRow",
    "RegistryVersion",
    "Session",
    "SharedChange",
    "Tier",
    "ToldEvent",
    "Tombstone",
    "Variable",
    "Visitor",
    "VisitorKey",
]
