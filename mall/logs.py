"""Structured logs: one event a line, with the request's id and the node."""

import logging.config
import re
from typing import Any

import structlog
from django.conf import settings

from mall import node
from sessions_farm.communities.handoff import paths

# Addresses that grant access to an invitation, a stock alert, an order, a payment, an acknowledgement or a new
# password; in the query of another address, as the place to come back to, their slashes are encoded.
SLASH = "(?:/|%2[Ff])"
GRANTING = (
    "join", "alerts/mine", "orders/status", "ship/ack", "pay/sandbox", "accounts/password/reset/key",
    "accounts/confirm-email",
)  # fmt: skip
GRANTS = re.compile(
    rf"({SLASH}(?:{'|'.join(path.replace('/', SLASH) for path in GRANTING)}){SLASH}|[?&]signature=)[^/?&\s'\"]+"
)


def configure(_: dict[str, Any] | None = None) -> None:
    """Format all records by structlog's processors, and write them to standard error."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_node,
        _redact,
    ]
    last: Any = (
        structlog.dev.ConsoleRenderer(colors=False)
        if settings.LOG_FORMAT == "plain"
        else structlog.processors.JSONRenderer()
    )
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "event": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "foreign_pre_chain": shared,
                    "processors": [
                        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                        structlog.processors.format_exc_info,
                        last,
                    ],
                }
            },
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "event"}},
            "root": {"handlers": ["stderr"], "level": "INFO"},
            "loggers": {
                "httpx2": {"level": "WARNING"},
                "asyncssh": {"level": "WARNING"},
                "uvicorn.access": {"level": "WARNING"},  # each request is logged once, by django_structlog
            },
        }
    )
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _add_node(_: object, __: str, event: dict[str, Any]) -> dict[str, Any]:
    event["node"] = node.name()
    return event


def _redact(_: object, __: str, event: dict[str, Any]) -> dict[str, Any]:
    """Remove the codes of hand-offs, and the tokens in addresses that grant access."""
    for name in ("request", "event"):
        if isinstance(event.get(name), str):
            event[name] = GRANTS.sub(r"\1REDACTED", paths.redact(event[name]))
    return event
