"""One interface to all that is known of who visits: session, visitor, profile (Site Server's Active User Object)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest
from django.utils.module_loading import import_string

from sessions_farm.communities.conf import community_options
from sessions_farm.communities.visitors.state import visitor_state


def about(request: HttpRequest) -> About:
    """``about(request)["visitor.theme"]``; a name without a scope is looked for in all of them, nearest first."""
    return About(request)


class About(MutableMapping[str, Any]):
    """``session.…`` and ``visitor.…`` can be read and written; the profiles of ``PROFILES`` can be read.

    What the community's master host alone may see is not there on any other: neither guarded variables nor the user.
    """

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self._mall = request.mall  # type: ignore[attr-defined]  # SessionMiddleware's

    def __getitem__(self, name: str) -> Any:
        scope, _, rest = name.partition(".")
        if rest and scope in self._scopes():
            return self._of(scope)[rest]
        for nearest in self._scopes():
            if name in (found := self._of(nearest)):
                return found[name]
        raise KeyError(name)

    def __setitem__(self, name: str, value: Any) -> None:
        scope, rest = self._writable(name)
        if scope == "session":
            self._request.session[rest] = value
        else:
            visitor_state(self._mall.ensure_visitor().pk)[rest] = value

    def __delitem__(self, name: str) -> None:
        scope, rest = self._writable(name)
        del self._of(scope)[rest]

    def __iter__(self) -> Iterator[str]:
        for scope in self._scopes():
            names = self._of(scope).keys()  # a session cannot be iterated over itself
            yield from (f"{scope}.{name}" for name in names if not name.startswith("_"))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _scopes(self) -> list[str]:
        return ["session", "visitor", *community_options().profiles]

    def _of(self, scope: str) -> Any:
        if scope == "session":
            return self._request.session
        if scope == "visitor":
            visitor = self._mall.visitor
            return visitor_state(visitor.pk) if visitor else {}
        user = getattr(self._request, "user", None)
        return (
            import_string(community_options().profiles[scope])(user)
            if user is not None and user.is_authenticated
            else {}
        )

    @staticmethod
    def _writable(name: str) -> tuple[str, str]:
        scope, _, rest = name.partition(".")
        if scope not in {"session", "visitor"} or not rest:
            raise KeyError(f"{name!r} cannot be written; write session.<name> or visitor.<name>.")
        return scope, rest


def user_fields(user: AbstractBaseUser) -> Mapping[str, Any]:
    """The profile that every Django project has: the user's own plain fields, without the password."""
    fields = user._meta.concrete_fields
    return {field.name: getattr(user, field.attname) for field in fields if field.name != "password"}
