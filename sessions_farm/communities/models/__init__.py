"""The models of communities."""

from sessions_farm.communities.models.communities import Community
from sessions_farm.communities.models.domains import HOST, Domain, DomainQuerySet
from sessions_farm.communities.models.openid import ClientSecret, SigningKey
from sessions_farm.communities.models.registry import CHANNEL, RegistryQuerySet, RegistryRow, RegistryVersion
from sessions_farm.communities.models.visitors import MergeMarker, Visitor, VisitorKey

__all__ = [
    "CHANNEL",
    "HOST",
    "ClientSecret",
    "Community",
    "Domain",
    "DomainQuerySet",
    "MergeMarker",
    "RegistryQuerySet",
    "RegistryRow",
    "RegistryVersion",
    "SigningKey",
    "Visitor",
    "VisitorKey",
]
