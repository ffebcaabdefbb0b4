"""The server of Celery's messages: its address as kombu wants it, and short connections to it.

BROKER_URL is an address as REDIS_URL, read by the same parser; kombu has another way to write each of them. That of
another kind of server (``amqp://``) is kombu's alone.
"""

from __future__ import annotations

import socket
from typing import Any
from urllib.parse import quote

from django.conf import settings
from kombu import Connection

from sessions_farm.stores.redis.address import Address, read_address

OTHERS = ("amqp", "amqps", "memory")
"""Schemes of servers that are no Redis."""
# A worker waits for its next message without an end, so TCP has to notice a server that vanished without a word.
KEEPALIVE = {"TCP_KEEPIDLE": 5, "TCP_KEEPINTVL": 3, "TCP_KEEPCNT": 3}
SENTINEL_WAITS = {"socket_timeout": 1, "socket_connect_timeout": 1}


def configured(url: str) -> dict[str, Any]:
    """Return ``url``, ``ssl`` and ``options`` for kombu. Raise ImproperlyConfigured for a faulty address."""
    if url.partition("://")[0] in OTHERS:
        return {"url": url, "ssl": False, "options": {}}
    address = read_address(url, "BROKER_URL")
    ssl = {name: value for name, value in address.login.items() if name.startswith("ssl_")}
    if address.line == "tls":
        ssl = {"ssl_cert_reqs": "required"} | ssl
    return {"url": _url(address), "ssl": ssl or False, "options": _options(address, ssl)}


def _url(address: Address) -> str:
    at = _login(address)
    database = address.login.get("db", 0)
    if address.line == "unix":
        return f"redis+socket://{at}{address.login['path']}?virtual_host={database}"
    scheme = "sentinel" if address.sentinels else "redis"
    server = (address.login.get("host") or "localhost", address.login.get("port", 6379))
    places = (f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in address.sentinels or [server])
    return ";".join(f"{scheme}://{at}{place}/{database}" for place in places)


def _login(address: Address) -> str:
    user, password = (quote(address.login.get(name) or "", safe="") for name in ("username", "password"))
    return f"{user}:{password}@" if user or password else ""


def _options(address: Address, ssl: dict[str, Any]) -> dict[str, Any]:
    named = {getattr(socket, name): value for name, value in KEEPALIVE.items() if hasattr(socket, name)}
    options: dict[str, Any] = {"socket_keepalive": True, "socket_keepalive_options": named}
    if address.sentinels:
        asking = address.sentinel_login | ({"ssl": True} | ssl if address.line == "tls" else {})
        options |= {"master_name": address.service, "sentinel_kwargs": asking | SENTINEL_WAITS}
    return options


def connect(seconds: float) -> Connection:
    """Return a connection whose every wait ends after some seconds, and that tries nothing twice."""
    waits: dict[str, Any] = {"socket_timeout": seconds, "socket_connect_timeout": seconds}
    options = settings.CELERY_BROKER_TRANSPORT_OPTIONS | waits | {"retry_on_timeout": False, "max_retries": 0}
    if "sentinel_kwargs" in options:
        options["sentinel_kwargs"] = options["sentinel_kwargs"] | waits
    return Connection(
        settings.CELERY_BROKER_URL,
        ssl=settings.CELERY_BROKER_USE_SSL,
        connect_timeout=seconds,
        transport_options=options,
    )
