"""Communities of domains."""

from __future__ import annotations

from typing import ClassVar, Self

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models

from sessions_farm.communities.identity import id_generators
from sessions_farm.communities.models.registry import RegistryQuerySet, RegistryRow


class CommunityQuerySet(RegistryQuerySet["Community"]):
    """Queries of communities; every node learns of a change."""

    def active(self) -> Self:
        """Return the communities that are served, with their masters."""
        return self.filter(is_active=True).select_related("master", "former_master")


class Community(RegistryRow):
    """Domains that share visitors, sessions and one cart; one of them is the master."""

    class Policy(models.TextChoices):
        EAGER = "eager", "on the first page of each domain"
        LAZY = "lazy", "only where the mall id is needed"
        OFF = "off", "never"

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=100)
    is_active = models.BooleanField(default=True)
    master = models.ForeignKey("Domain", models.PROTECT, null=True, blank=True, related_name="+")
    cookie_name = models.CharField(
        max_length=32,
        unique=True,
        default="mall",
        validators=[RegexValidator(r"^[a-z][a-z0-9_-]{0,31}$", "Lower-case letters, digits, - and _ only.")],
    )
    id_generator = models.CharField(
        max_length=200,
        blank=True,
        help_text="The generator of the beginning of each id: the dotted path of f(member) -> str, or an https "
        "address that returns it. Empty for the built-in one. Random bits follow in any case.",
    )
    handoff_policy = models.CharField(max_length=5, choices=Policy, default=Policy.EAGER)
    peer_authority = models.BooleanField(
        default=True,
        help_text="The store that a shopper comes from may vouch for them, so that a browser that clears the master's "
        "cookie does not make two of them.",
    )
    first_add_landing = models.BooleanField(
        default=True, help_text="The first addition to the cart on a store's host leads to the master once."
    )
    checkout_healing = models.BooleanField(
        default=True, help_text="Links to cart and checkout tell the master which visitor the shopper is at the store."
    )
    resync_hours = models.PositiveSmallIntegerField(
        default=0, help_text="After so many hours a store asks the master once more for its shopper's id. 0: never."
    )
    paused_until = models.DateTimeField(
        null=True, blank=True, help_text="No hand-off begins before; visitors have sessions of one host meanwhile."
    )
    next_master = models.ForeignKey(
        "Domain", models.SET_NULL, null=True, blank=True, related_name="+", help_text="The announced successor."
    )
    former_master = models.ForeignKey(
        "Domain",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="Consulted about visitors from before.",
    )
    former_master_until = models.DateTimeField(null=True, blank=True)
    key_epoch = models.PositiveIntegerField(default=1, help_text="Raise it to revoke every cookie of the community.")
    cookieless = models.BooleanField(
        "without cookies",
        default=False,
        help_text="Serve browsers that keep no cookies by a signed token in each address. The risk: a person who gets "
        "such an address (a shared link, a proxy's log, a screenshot) and has the same kind of browser in the same "
        "network is that visitor until it runs out. Staff still need cookies. See communities/cookieless.py.",
    )

    objects: ClassVar = CommunityQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "communities"

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse a generator that cannot be used, and a master that is no exact host of the community."""
        if fault := id_generators.fault_of(self.id_generator):
            raise ValidationError({"id_generator": fault})
        if self.master and (self.master.community_id != self.pk or self.master.kind != "exact"):
            raise ValidationError(
                {"master": f"{self.master} is no exact host of this community; only one may be its master."}
            )
