"""The lookups of operators: a variable's value as text, and a person by name, e-mail address or key."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured, ValidationError
from django.db.models import Q


class PersonLookupError(LookupError):
    """No person has this name, or more than one has it; or the site has no users."""


def parse_term(text: str) -> tuple[str, Any]:
    """Return name and value of ``name=value``; the value is JSON if possible, else the text itself: ``page=/offers``.

    Raise ValueError where there is no ``=``.
    """
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise ValueError(f"{text!r} is no term: write name=value, as in current_page=/offers.")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def find_person(identifier: str) -> Any:
    """Return the one user with this user name or e-mail address, else with this key. Raise PersonLookupError."""
    identifier = identifier.strip()
    users = user_model().objects
    found = list(users.filter(name_query(identifier))[:2]) or list(users.filter(key_query(identifier)))
    if not found:
        raise PersonLookupError(
            f"No person is called {identifier!r}: give a user name, an e-mail address or a primary key, whole."
        )
    if len(found) > 1:
        raise PersonLookupError(f"More than one person is called {identifier!r}: give the primary key.")
    return found[0]


def get_person(key: str) -> Any:
    """Return the user with a primary key. Raise PersonLookupError."""
    found = user_model().objects.filter(key_query(key)).first()
    if found is None:
        raise PersonLookupError(f"There is no person with the key {key!r} any more: search again.")
    return found


def user_model() -> Any:
    """Return the model of users. Raise PersonLookupError on a site without any: the engine needs no auth app."""
    from django.contrib.auth import get_user_model  # noqa: PLC0415 -- a site may do without

    try:
        return get_user_model()
    except ImproperlyConfigured as error:
        raise PersonLookupError(
            "This site has no users: install django.contrib.auth to find sessions by person."
        ) from error


def name_query(identifier: str) -> Q:
    """Return the condition for a user name or an e-mail address."""
    model = user_model()
    names = {model.USERNAME_FIELD}
    with suppress(FieldDoesNotExist):
        names.add(model._meta.get_field(model.get_email_field_name()).name)
    return Q(*((name, identifier) for name in sorted(names)), _connector=Q.OR)


def key_query(identifier: str) -> Q:
    """Return the condition for a primary key; a text that is none matches no row."""
    try:
        key = user_model()._meta.pk.to_python(identifier)
    except ValidationError:
        return Q(pk__in=[])
    return Q(pk=key)
