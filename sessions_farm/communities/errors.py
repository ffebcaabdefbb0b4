"""The errors of communities; the package's docstring has their tree."""

from __future__ import annotations


class CommunityError(Exception):
    """Any error of the registry, of a domain or of a community."""


class DomainNotVerifiedError(CommunityError):
    """A domain is to be served, but its DNS does not show the owner's record."""


class InvalidHostnameError(CommunityError):
    """A text names no host, or more than a host. The message is for the person who typed it."""


class MasterCandidateError(CommunityError):
    """A domain cannot become, or stay, the master of its community."""


class MasterRequiredError(CommunityError):
    """The master of a community is to be suspended: the community would close with it."""


class NameHeldError(CommunityError):
    """A domain cannot hold its name: another does, or a domain of another community overlaps it."""


class NotExternalError(CommunityError):
    """Only an external member has a client secret."""


class RegistryUnavailableError(CommunityError):
    """The registry was never read, and the database does not answer."""


class ResolverUnavailableError(CommunityError):
    """The DNS gave no answer, so the records of a name are unknown. That is not the same as none."""
