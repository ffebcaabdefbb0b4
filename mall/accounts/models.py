"""The user model: a user signs in by e-mail address."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Create a user; raise ValueError without an e-mail address."""
        if not email:
            raise ValueError("A user needs an e-mail address; none was given.")
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Create a superuser."""
        return self.create_user(email, password, **{"is_staff": True, "is_superuser": True} | fields)

    def get_by_natural_key(self, email: str | None) -> User:
        """Return the user of an e-mail address, in any case."""
        return self.get(email__iexact=email)


class MallRole(models.TextChoices):
    """List the roles of the mall's staff besides superusers; ``mall.accounts.roles`` has their permissions."""

    OPERATOR = "operator", "operator"
    SUPPORT = "support", "support"
    FINANCE = "finance", "finance"


class User(AbstractBaseUser, PermissionsMixin):
    email = models.EmailField("e-mail address", unique=True)
    name = models.CharField("name", max_length=150, blank=True)
    is_staff = models.BooleanField("may enter the admin", default=False)
    mall_role = models.CharField("role in the mall", max_length=8, choices=MallRole, blank=True)
    is_active = models.BooleanField("active", default=True)
    date_joined = models.DateTimeField(default=timezone.now)

    objects = UserManager()

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = []

    class Meta:
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="accounts_user_email_any_case",
                violation_error_message=gettext_lazy("There is an account with this e-mail address already."),
            )
        ]

    def __str__(self) -> str:
        return self.name or self.email

    @property
    def is_mall_staff(self) -> bool:
        """Return whether the user works for the mall, and so for no vendor."""
        return bool(self.is_superuser or self.mall_role)

    def get_full_name(self) -> str:
        """Return the name, empty where none was given."""
        return self.name

    def get_short_name(self) -> str:
        """Return the first word of the name, or the e-mail address."""
        return self.name.partition(" ")[0] or self.email
