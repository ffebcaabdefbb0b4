"""The address of the farm's Redis in ``REDIS_URL``: one server, a Unix socket, or a service that Sentinels watch.

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

from dataclasses import dataclass, field
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
    """A parsed REDIS_URL. ``login``: options of redis-py's connections; ``sentinels``: empty for a server."""

    line: str  # tcp | tls | unix
    login: dict[str, Any] = field(repr=False)  # has the password
    service: str = ""
    sentinels: tuple[tuple[str, int], ...] = ()
    sentinel_login: dict[str, Any] = field(default_factory=dict, repr=False)


def address_of(options: Options) -> Address:
    """Return the address in REDIS_URL. Raise ImproperlyConfigured, also for one without the TLS of the settings."""
    scheme = options.redis_url.partition("://")[0].lower()
    if scheme not in SCHEMES:
        raise ImproperlyConfigured(
            f'SESSIONS_FARM["REDIS_URL"] begins with {scheme!r}; it may begin with {", ".join(SCHEMES)}, then "://".'
        )
    line = SCHEMES[scheme]
    given = tls_settings(options)
    if given and line != "tls":
        raise ImproperlyConfigured(
            f'SESSIONS_FARM["REDIS_TLS_..."] is set, but {scheme}:// is not encrypted: write rediss:// in REDIS_URL.'
        )
    if scheme.endswith("+sentinel"):
        return sentinel_address(options.redis_url, line, given)
    return Address(line, given | parsed(options.redis_url))


def tls_settings(options: Options) -> dict[str, Any]:
    """Return the settings of TLS by redis-py's names; options in the URL override them."""
    given = {
        "ssl_ca_certs": options.redis_tls_ca,
        "ssl_certfile": options.redis_tls_cert,
        "ssl_keyfile": options.redis_tls_key,
    }
    return {name: value for name, value in given.items() if value}


def sentinel_address(url: str, line: str, tls: dict[str, Any]) -> Address:
    """Return the address of a service behind Sentinels. Raise ImproperlyConfigured."""
    _, _, rest = url.partition("://")
    place, mark, query = rest.partition("?")
    netloc, _, path = place.partition("/")
    user, at, hosts = netloc.rpartition("@")
    service, _, database = path.partition("/")
    if not service or not hosts:
        raise ImproperlyConfigured(
            "A REDIS_URL of Sentinels names them and the service they watch:"
            " redis+sentinel://user:password@host1:26379,host2:26379/service/0"
        )
    login = tls | parsed(f"redis://{user}{at}service/{database}{mark}{query}")
    del login["host"]
    at_sentinels = {name: value for name, value in login.items() if name.startswith("ssl_")}
    for name in ("username", "password"):
        if value := login.pop(f"sentinel_{name}", ""):
            at_sentinels[name] = value
    return Address(line, login, service, tuple(host_and_port(host) for host in hosts.split(",")), at_sentinels)


def host_and_port(text: str) -> tuple[str, int]:
    """Split ``host``, ``host:port`` or ``[::1]:port``. Raise ImproperlyConfigured."""
    host, colon, port = text.strip().rpartition(":")
    if not colon or text.endswith("]"):
        host, port = text.strip(), str(SENTINEL_PORT)
    if not host or not port.isdigit():
        raise ImproperlyConfigured(f"{text!r} in REDIS_URL is no Sentinel: write host or host:port.")
    return host.strip("[]"), int(port)


def parsed(url: str) -> dict[str, Any]:
    """Return the options in a URL as redis-py parses them. Raise ImproperlyConfigured."""
    try:
        found = dict(parse_url(url))  # type: ignore[no-untyped-call]  # redis-py has no type for it
    except ValueError as error:
        raise ImproperlyConfigured(f"REDIS_URL cannot be read: {error}") from error
    return {name: value for name, value in found.items() if name not in IGNORED}
