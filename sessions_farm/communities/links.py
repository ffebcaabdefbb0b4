"""Absolute URLs on the hosts of a community."""

from django.conf import settings

DEFAULT_PORTS = {"http": 80, "https": 443}


def origin(host: str) -> str:
    """Return ``scheme://host[:port]`` as a browser sees it; the registry's hosts have no port."""
    scheme = getattr(settings, "PUBLIC_SCHEME", "https")
    port = getattr(settings, "PUBLIC_PORT", DEFAULT_PORTS[scheme])
    return f"{scheme}://{host}" if port == DEFAULT_PORTS[scheme] else f"{scheme}://{host}:{port}"


def absolute_url(host: str, path: str) -> str:
    """Return the URL of a path on a host."""
    return origin(host) + path
