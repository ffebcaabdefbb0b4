"""One interface for session, visitor and profile (Site Server's Active User Object)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

from django.utils.module_loading import import_string

from sessions_farm.communities.conf import community_options
from sessions_farm.communities.visitors.state import visitor_state

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

WRITABLE = ("session", "visitor")


class Profile(MutableMapping[str, Any]):
    """``Profile(request)["visitor.theme"]``; a name without a scope is looked up in all of them, nearest first.

    ``session.…`` and ``visitor.…`` can be read and written; the profiles of ``PROFILES`` can be read. Values for the
    community's master host alone are absent on any other: guarded variables and the user.
    """

    def __init__(self, request: Any) -> None:  # a MallRequest; its module stands above this one
        self._request = request
        self._mall = request.mall

    def __getitem__(self, name: str) -> Any:
        """Return a value. Raise KeyError."""
        scope, _, rest = name.partition(".")
        if rest and scope in self._scopes():
            return self._mapping(scope)[rest]
        for nearest in self._scopes():
            if name in (mapping := self._mapping(nearest)):
                return mapping[name]
        raise KeyError(name)

    def __setitem__(self, name: str, value: Any) -> None:
        """Write a value of the session or of the visitor, who is created at need. Raise KeyError for others."""
        scope, rest = self._writable(name)
        if scope == "session":
            self._request.session[rest] = value
        else:
            visitor_state(self._mall.ensure_visitor().pk)[rest] = value

    def __delitem__(self, name: str) -> None:
        """Delete a value of the session or of the visitor. Raise KeyError."""
        scope, rest = self._writable(name)
        del self._mapping(scope)[rest]

    def __iter__(self) -> Iterator[str]:
        """Return the names with their scopes, without those that begin with an underscore."""
        for scope in self._scopes():
            names = self._mapping(scope).keys()  # a session cannot be iterated over itself
            yield from (f"{scope}.{name}" for name in names if not name.startswith("_"))

    def __len__(self) -> int:
        """Return the number of names."""
        return sum(1 for _ in self)

    def _scopes(self) -> list[str]:
        return [*WRITABLE, *community_options().profiles]

    def _mapping(self, scope: str) -> Any:
        if scope == "session":
            return self._request.session
        if scope == "visitor":
            visitor = self._mall.visitor
            return visitor_state(visitor.pk) if visitor else {}
        user = getattr(self._request, "user", None)
        if user is None or not user.is_authenticated:
            return {}
        return import_string(community_options().profiles[scope])(user)

    @staticmethod
    def _writable(name: str) -> tuple[str, str]:
        scope, _, rest = name.partition(".")
        if scope not in WRITABLE or not rest:
            raise KeyError(f"{name!r} cannot be written; write session.<name> or visitor.<name>.")
        return scope, rest


def user_fields(user: AbstractBaseUser) -> Mapping[str, Any]:
    """Return the profile that every Django project has: the user's own plain fields, without the password."""
    fields = user._meta.concrete_fields
    return {field.name: getattr(user, field.attname) for field in fields if field.name != "password"}
