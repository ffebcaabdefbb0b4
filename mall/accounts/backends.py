"""The authentication backend: allauth's sign-in by e-mail address, with permissions by the role in the mall."""

from __future__ import annotations

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend

from mall.accounts.roles import PERMISSIONS


class MallBackend(AuthenticationBackend):  # type: ignore[misc]  # the package has no types
    """Answer from the role alone: no groups or permissions of single users are read, so no page queries for them."""

    def get_user_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """Return none: permissions come with roles."""
        return set()

    def get_group_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """Return the permissions of the user's role; a superuser is never asked."""
        return set(self.get_all_permissions(user_obj, obj))

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> frozenset[str]:
        """Return the permissions of the user's role."""
        is_known = user_obj.is_active and not user_obj.is_anonymous and obj is None
        return PERMISSIONS.get(user_obj.mall_role, frozenset()) if is_known else frozenset()
