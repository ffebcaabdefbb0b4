"""The models of communities."""

from sessions_farm.communities.models.communities import Community
from sessions_farm.communities.models.domains import HOST, Domain, DomainQuerySet
from sessions_farm.communities.models.registry import CHANNEL, RegistryQuerySet, RegistryRow, RegistryVersion
from sessions_farm.communities.models.visitors import MergeMarker, Visitor, VisitorKey

__all__ = [
    "CHANNEL",
    "HOST",
    "Community",
    "Domain",
    "DomainQuerySet",
    "MergeMarker",
    "RegistryQuerySet",
    "RegistryRow",
    "RegistryVersion",
    "Visitor",
    "VisitorKey",
]
