"""The farm's models, from one door."""

from sessions_farm.models.communities import (
    HOST,
    Community,
    Domain,
    DomainQuerySet,
    MergeMarker,
    RegistryQuerySet,
    RegistryRow,
    RegistryVersion,
)
from sessions_farm.models.events import ToldEvent
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
