"""Facts of each request's lines in the log besides its id: the host, the client's address, and the duration.

The address is the connection's, as the balancer vouches for it; headers that a client may make up are not read.
"""

from __future__ import annotations

import time
from typing import Any

import structlog
from django.dispatch import receiver
from django.http import HttpRequest
from django_structlog import signals

BEGUN = "_log_begun"


@receiver(signals.bind_extra_request_metadata, dispatch_uid="mall.log_request")
def bind_request(request: HttpRequest, **_: Any) -> None:
    """Bind host and address to all lines of a request, and note the moment."""
    setattr(request, BEGUN, time.perf_counter())
    host = request.META.get("HTTP_HOST", "")[:255]
    structlog.contextvars.bind_contextvars(host=host, ip=request.META.get("REMOTE_ADDR", ""))


@receiver(signals.bind_extra_request_finished_metadata, dispatch_uid="mall.log_answer")
def add_duration(request: HttpRequest, log_kwargs: dict[str, Any], **_: Any) -> None:
    """Add how many milliseconds a request took."""
    log_kwargs["ms"] = round((time.perf_counter() - getattr(request, BEGUN, time.perf_counter())) * 1000, 1)
