"""What operators ask for in words: the sessions that have a value, or a person's."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db.models import Q, QuerySet


class PersonLookupError(LookupError):
    """Nobody is called so, or more than one."""


def term(text: str) -> tuple[str, Any]:
    """``name=value``; the value is JSON where it can be read so, and else the text itself: ``page=/offers``.

    Raise ValueError where there is no ``=``.
    """
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise ValueError(f"{text!r} is no question: write name=value, as in current_page=/offers.")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def person(called: str) -> Any:
    """The one user with this user name or e-mail address, else with this key. Raise NotOne."""
    called = called.strip()
    users: QuerySet[Any] = get_user_model().objects.all()
    found = list(users.filter(by_name(called))[:2]) or list(users.filter(by_key(called)))
    if not found:
        raise PersonLookupError(
            f"Nobody is called {called!r}: give a user name, an e-mail address or a primary key, whole."
        )
    if len(found) > 1:
        raise PersonLookupError(f"More than one person is called {called!r}: give the primary key.")
    return found[0]


def person_with(key: str) -> Any:
    """Raise NotOne."""
    found = get_user_model().objects.filter(by_key(key)).first()
    if found is None:
        raise PersonLookupError(f"There is no person with the key {key!r} any more.")
    return found


def by_name(called: str) -> Q:
    model = get_user_model()
    names = {model.USERNAME_FIELD}
    with suppress(FieldDoesNotExist):
        names.add(model._meta.get_field(model.get_email_field_name()).name)
    return Q(*((name, called) for name in sorted(names)), _connector=Q.OR)


def by_key(called: str) -> Q:
    try:
        key = get_user_model()._meta.pk.to_python(called)
    except ValidationError:
        return Q(pk__in=[])
    return Q(pk=key)
