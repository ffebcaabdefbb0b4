"""The address of a Redis, as ``REDIS_URL`` has it: one server, a Unix socket, or a service that Sentinels watch.

=============================================================== ====================================================
``redis://[user[:password]@]host[:6379][/database]``            one server
``rediss://...``                                                the same over TLS
``unix://[user[:password]@]/path[?db=0]``                       one server, by its socket
``redis+sentinel://[user[:password]@]host[:26379],.../service[/database]`` the primary of a service, whichever it is
``rediss+sentinel://...``                                       the same, servers and Sentinels over TLS
=============================================================== ====================================================

User and password are the servers'; those of the Sentinels are ``?sentinel_username=...&sentinel_password=...``. Other
options are redis-py's (``ssl_ca_certs``, ``ssl_check_hostname``, ...). Time-outs, retries and numbers of connections
come from settings; the URL's are ignored.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured
from redis.connection import parse_url

if TYPE_CHECKING:
    from sessions_farm.conf import Options

SCHEMES = {
    "redis": "tcp",
    "rediss": "tls",
    "unix": "unix",
    "redis+sentinel": "tcp",
    "rediss+sentinel": "tls",
}
SENTINEL_PORT = 26379
# Options that settings decide, or that let redis-py send a command again.
IGNORED = (
    "socket_timeout",
    "socket_connect_timeout",
    "timeout",
    "max_connections",
    "retry_on_timeout",
    "retry_on_error",
    "connection_class",
)


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed address. ``login``: options of redis-py's connections; ``sentinels``: empty for a server."""

    line: str  # tcp | tls | unix
    login: dict[str, Any] = field(repr=False)  # has the password
    service: str = ""
    sentinels: tuple[tuple[str, int], ...] = ()
    sentinel_login: dict[str, Any] = field(default_factory=dict, repr=False)
    name: str = "REDIS_URL"  # of the setting, for messages


def address_of(options: Options) -> Address:
    """Return the address in REDIS_URL. Raise ImproperlyConfigured, also for one without the TLS of the settings."""
    given = tls_settings(options)
    address = read_address(options.redis_url, 'SESSIONS_FARM["REDIS_URL"]', tls=given)
    if given and address.line != "tls":
        raise ImproperlyConfigured(
            'SESSIONS_FARM["REDIS_TLS_..."] is set, but REDIS_URL is not encrypted: let it begin with rediss.'
        )
    return address


def read_address(url: str, name: str, *, tls: dict[str, Any] | None = None) -> Address:
    """Return the address in a URL. Raise ImproperlyConfigured, which calls it by ``name`` and shows no password."""
    scheme, mark, _ = url.partition("://")
    if not mark or scheme.lower() not in SCHEMES:
        said = repr(scheme) if mark else "no scheme"
        raise ImproperlyConfigured(f'{name} begins with {said}; it may begin with {", ".join(SCHEMES)}, then "://".')
    line = SCHEMES[scheme.lower()]
    read = _sentinel_address if scheme.lower().endswith("+sentinel") else _server_address
    try:
        address = read(url, line, (tls or {}) if line == "tls" else {})
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} cannot be read: {error}") from None
    return replace(address, name=name)


def tls_settings(options: Options) -> dict[str, Any]:
    """Return the settings of TLS by redis-py's names; options in the URL override them."""
    given = {
        "ssl_ca_certs": options.redis_tls_ca,
        "ssl_certfile": options.redis_tls_cert,
        "ssl_keyfile": options.redis_tls_key,
    }
    return {name: value for name, value in given.items() if value}


def _server_address(url: str, line: str, tls: dict[str, Any]) -> Address:
    return Address(line, tls | _parsed(url))


def _sentinel_address(url: str, line: str, tls: dict[str, Any]) -> Address:
    _, _, rest = url.partition("://")
    place, mark, query = rest.partition("?")
    netloc, _, path = place.partition("/")
    user, at, hosts = netloc.rpartition("@")
    service, _, database = path.partition("/")
    if not service or not hosts:
        raise ValueError(
            "with Sentinels it names them and the service they watch:"
            " redis+sentinel://user:password@host1:26379,host2:26379/service/0"
        )
    if database and not database.isdigit():
        raise ValueError(f"{database!r} is no number of a database; redis+sentinel://host:26379/service/0")
    login = tls | _parsed(f"redis://{user}{at}service/{database}{mark}{query}")
    del login["host"]
    at_sentinels = {name: value for name, value in login.items() if name.startswith("ssl_")}
    for name in ("username", "password"):
        if value := login.pop(f"sentinel_{name}", ""):
            at_sentinels[name] = value
    return Address(line, login, service, tuple(_host_and_port(host) for host in hosts.split(",")), at_sentinels)


def _host_and_port(text: str) -> tuple[str, int]:
    """Split ``host``, ``host:port`` or ``[::1]:port``. Raise ValueError."""
    host, colon, port = text.strip().rpartition(":")
    if not colon or text.endswith("]"):
        host, port = text.strip(), str(SENTINEL_PORT)
    if not host or not port.isdigit():
        raise ValueError(f"{text!r} is no Sentinel: write host or host:port.")
    return host.strip("[]"), int(port)


def _parsed(url: str) -> dict[str, Any]:
    """Return the options in a URL as redis-py parses them. Raise ValueError."""
    try:
        found = dict(parse_url(url))  # type: ignore[no-untyped-call]  # redis-py has no type for it
    except ValueError as error:
        if "Port" not in str(error):
            raise
        # redis-py would show a part of a password that has a slash.
        raise ValueError(
            "behind its host is no port; in a user or password, quote / as %2F, : as %3A, @ as %40."
        ) from None
    return {name: value for name, value in found.items() if name not in IGNORED}
