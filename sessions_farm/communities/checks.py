"""System checks of communities: settings, middleware, sessions without cookies. DOMAINS.md lists the ids."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 -- Django's name
from django.db import DatabaseError

from sessions_farm.checks.django_settings import AUTH, SESSION_MIDDLEWARE, STRICT_COOKIES, order_errors
from sessions_farm.checks.schema import Part, Schema
from sessions_farm.communities.conf import CommunityOptions
from sessions_farm.communities.models import Community

SCHEMA = Schema(
    setting="SESSIONS_FARM_COMMUNITIES",
    options=CommunityOptions,
    app="communities",
    example='{"PROBE_SECONDS": 2}',
    zero_allowed=frozenset({"HANDOFFS_PER_MINUTE", "PROBE_SECONDS", "REGISTRY_POLL_SECONDS"}),
    examples={"PROFILES": '{"user": "dotted.path"}'},
)
CALLABLES = {
    "RESOLVER": "a Resolver",
    "EXTERNAL_FACTS": "f(visitor or None, external member)",
    "STAFF_OF": "f(user)",
    "HOSTS_IN_USE": "f()",
}
ADDRESS = re.compile(r"[^\s:/]+:[0-9]{1,5}|\[[0-9a-fA-F:]+\]:[0-9]{1,5}", re.ASCII)
HOST_MIDDLEWARE = "sessions_farm.communities.middleware.HostMiddleware"
COOKIELESS_MIDDLEWARE = "sessions_farm.communities.cookieless.CookielessMiddleware"
HANDOFF_MIDDLEWARE = "sessions_farm.communities.handoff.middleware.HandoffMiddleware"
CSRF_MIDDLEWARE = "django.middleware.csrf.CsrfViewMiddleware"
ORDER = (
    (HOST_MIDDLEWARE, STRICT_COOKIES, "No other may be served on a host that is not in the registry."),
    (SESSION_MIDDLEWARE, HANDOFF_MIDDLEWARE, "The hand-off reads the session's id."),
    (HANDOFF_MIDDLEWARE, AUTH, "The user is read from the session that the hand-off brings."),
)


def probe_address_errors(given: dict[str, Any]) -> Iterator[CheckMessage]:
    """Refuse a ``PROBE_ADDRESS`` without host or port."""
    address = SCHEMA.value(given, "PROBE_ADDRESS")
    if SCHEMA.is_valid(given, "PROBE_ADDRESS") and address and not ADDRESS.fullmatch(address):
        yield Error(
            f"{SCHEMA.label('PROBE_ADDRESS')} = {address!r} is no address.",
            hint="Write host:port, as lb:443.",
            id="communities.E025",
        )


def callable_errors(given: dict[str, Any]) -> Iterator[CheckMessage]:
    """Refuse dotted paths of which nothing callable can be imported."""
    for name, takes in CALLABLES.items():
        if SCHEMA.is_valid(given, name) and given.get(name):
            yield from SCHEMA.wrong_path(SCHEMA.label(name), given[name], takes)


def profile_errors(given: dict[str, Any]) -> Iterator[CheckMessage]:
    """Refuse profiles that cannot be imported, or have the name of a scope."""
    profiles = given.get("PROFILES", {})
    if not isinstance(profiles, Mapping):  # refused by the schema
        return
    for name in sorted({"session", "visitor"} & profiles.keys()):
        yield Error(
            f"{SCHEMA.label('PROFILES')} names a profile {name!r}, as a scope is already named.",
            hint="Give it another name: a profile and a scope are read by the same interface.",
            id="communities.E018",
        )
    for name, path in profiles.items():
        yield from SCHEMA.wrong_path(f"{SCHEMA.label('PROFILES')}[{name!r}]", path, "f(user)")


def order_of_middleware(_given: dict[str, Any]) -> Iterator[CheckMessage]:
    """Refuse the middleware of communities in another order."""
    return order_errors(ORDER, "communities.E005")


def trusted_origins(_given: dict[str, Any]) -> Iterator[CheckMessage]:
    """Warn of other sites whose forms every host accepts."""
    if HOST_MIDDLEWARE in settings.MIDDLEWARE and settings.CSRF_TRUSTED_ORIGINS:
        yield Warning(
            f"CSRF_TRUSTED_ORIGINS lets forms of {', '.join(settings.CSRF_TRUSTED_ORIGINS)} in, on every host.",
            hint="No host of a community needs another's forms: links lead from one to another. Remove it.",
            id="communities.W022",
        )


PARTS: tuple[Part, ...] = (
    SCHEMA.unknown_names,
    SCHEMA.wrong_values,
    probe_address_errors,
    callable_errors,
    profile_errors,
    order_of_middleware,
    trusted_origins,
)


@register(Tags.compatibility)
def check_community_settings(**_kwargs: Any) -> list[CheckMessage]:
    """Check the settings by themselves, without the database."""
    return SCHEMA.wrong_container() + SCHEMA.run(PARTS)


@register(Tags.database)
def check_communities(*, databases: Sequence[str] | None = None, **_kwargs: Any) -> list[CheckMessage]:
    """Check the communities that there are: with ``manage.py check --database default``, and before migrations."""
    return list(cookieless_messages()) if databases else []


def cookieless_messages() -> Iterator[CheckMessage]:
    """Check the communities that serve browsers without cookies."""
    try:
        names = [str(community) for community in Community.objects.filter(cookieless=True)]
    except DatabaseError:  # not migrated yet
        return
    if names:
        yield from cookieless_middleware_errors(", ".join(names))
    for name in names:
        yield Warning(
            f"{name} serves browsers without cookies: a person who gets such an address may become its visitor.",
            hint="Read communities/cookieless.py. If you want it, put this message's id into SILENCED_SYSTEM_CHECKS.",
            id="communities.W021",
        )


def cookieless_middleware_errors(names: str) -> Iterator[CheckMessage]:
    """Refuse middleware with which communities cannot be served without cookies."""
    placed = {path: place for place, path in enumerate(settings.MIDDLEWARE)}
    if HOST_MIDDLEWARE not in placed:
        yield Error(
            f"{names} cannot be served without cookies: no request has a community.",
            hint=f"Put {HOST_MIDDLEWARE} into MIDDLEWARE, before {SESSION_MIDDLEWARE}.",
            id="communities.E023",
        )
    if not placed.get(HOST_MIDDLEWARE, -1) < placed.get(COOKIELESS_MIDDLEWARE, -1) < placed.get(SESSION_MIDDLEWARE, -1):
        yield Error(
            f"{names} cannot be served without cookies: no middleware reads the token in an address.",
            hint=f"Put {COOKIELESS_MIDDLEWARE} into MIDDLEWARE, between {HOST_MIDDLEWARE} and {SESSION_MIDDLEWARE}.",
            id="communities.E027",
        )
    if placed.get(CSRF_MIDDLEWARE, len(placed)) < placed.get(SESSION_MIDDLEWARE, -1):
        yield Error(
            f"{names} would refuse every form of a visitor without cookies.",
            hint=f"Put {SESSION_MIDDLEWARE} before {CSRF_MIDDLEWARE}, which must find its secret there.",
            id="communities.E024",
        )
