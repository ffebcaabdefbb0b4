"""What a site spends: an ASGI application around the site's own, which tells processor time, statements and commits."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

from django.db.backends.signals import connection_created

PATH = "/.meter"

type Application = Callable[[Any, Any, Any], Awaitable[None]]

spent = {"statements": 0, "commits": 0}


def metered(application: Application) -> Application:
    """Return the application with a page at PATH: ``cpu`` (seconds of this process), ``statements``, ``commits``."""
    connection_created.connect(count_work)

    async def meter(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] != PATH:
            await application(scope, receive, send)
            return
        body = json.dumps({"cpu": time.process_time(), **spent}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return meter


def count_work(connection: Any, **_: Any) -> None:
    """Count what a connection of Django's executes; a commit by itself is no statement of the application."""
    if count_statement in connection.execute_wrappers:
        return
    connection.execute_wrappers.append(count_statement)
    commit = connection._commit  # noqa: SLF001 -- a commit sends no statement that a wrapper would see

    def counted_commit() -> Any:
        spent["commits"] += 1
        return commit()

    connection._commit = counted_commit  # noqa: SLF001 -- as above


def count_statement(execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
    """Count one statement."""
    spent["statements"] += 1
    return execute(sql, params, many, context)
