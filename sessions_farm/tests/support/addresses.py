"""Every address of a URLconf, for tests that hold something of each view."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from django.urls import URLPattern, URLResolver


def routes(resolver: URLResolver, before: str = "") -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each route below a resolver, with the converter of each ``<kind:name>`` in it; none written as a regex."""
    for each in resolver.url_patterns:
        route = before + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from routes(each, route)
        elif isinstance(each, URLPattern) and "(?P" not in route and "^" not in route:
            placeholders = [piece.partition(">")[0] for piece in route.split("<")[1:]]
            yield route, {f"<{inside}>": inside.partition(":")[0] for inside in placeholders}


def filled(route: str, segments: Mapping[str, str]) -> str:
    """Return a route's path, with a text for each placeholder."""
    for placeholder, segment in segments.items():
        route = route.replace(placeholder, segment)
    return f"/{route}"


def addresses(resolver: URLResolver, segments: Mapping[str, str]) -> Iterator[str]:
    """Yield the path of each route once; a placeholder without a text of its own becomes 1."""
    for route, kinds in routes(resolver):
        yield filled(route, dict.fromkeys(kinds, "1") | dict(segments))
