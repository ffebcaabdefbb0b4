"""The models of the session engine."""

from sessions_farm.models.events import DeliveredEvent
from sessions_farm.models.sessions import (
    HASH_LENGTH,
    Lease,
    OneUseCode,
    OutboxEvent,
    Session,
    SharedChange,
    Tier,
    Tombstone,
    Variable,
)

__all__ = [
    "HASH_LENGTH",
    "DeliveredEvent",
    "Lease",
    "OneUseCode",
    "OutboxEvent",
    "Session",
    "SharedChange",
    "Tier",
    "Tombstone",
    "Variable",
]
