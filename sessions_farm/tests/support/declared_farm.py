"""A farm with declared variables, on each store: what the tests of broker, events, feed and scopes share."""

from __future__ import annotations

import secrets

import pytest

from sessions_farm.session import ids
from sessions_farm.session.session import SessionStore
from sessions_farm.tests.support.stores_fixtures import IN_SQL, REDIS_URL, STORES

VARIABLES = {
    "page": {"indexed": True, "shared": True},
    "mood": {"shared": True},
    "hits": {"counter": True},
    "code": {"ttl": 60},
    "hint": {"ttl": 60, "shared": True},
    "checkout_*": {"guarded": True},
}
NAMES = ["file", *STORES]
COMMITTED = pytest.mark.django_db(transaction=True, available_apps=["sessions_farm"])
ANY = pytest.mark.django_db
# ``tiered`` inside a transaction does as ``database``, and an event loop sees only what is committed.
EVERY_STORE = [pytest.param(name, marks=COMMITTED if name in IN_SQL else ANY) for name in NAMES]


def use(settings, name, folder, **options):
    settings.SESSIONS_FARM = {
        "STORE": name,
        "FOLDER": str(folder),
        "REDIS_URL": REDIS_URL,
        "REDIS_PREFIX": f"farm-{secrets.token_hex(4)}",
        "REDIS_TIMEOUT": 5,
        "VARIABLES": VARIABLES,
        **options,
    }


def saved(**variables):
    session = SessionStore()
    session.update(variables)
    session.save()
    return session


def again(session, **options):
    """The session as another request has it."""
    return SessionStore(session.session_key, **options)


def handle(session):
    return ids.digest(session.session_key)
