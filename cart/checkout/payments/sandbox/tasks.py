"""Webhooks of the simulated payment company: a signed POST, sent by a worker and retried until accepted.

A lost notice does no harm: the shop polls for itself (``sweep_checkouts``).
"""

from __future__ import annotations

import json
from typing import Any

import httpx2
from celery import shared_task
from django.conf import settings
from django.utils import timezone

from cart.checkout.payments.sandbox import signing
from cart.checkout.payments.sandbox.models import Charge
from vendors.nudge import nudge


def enqueue_notice(charge_id: int) -> None:
    """Enqueue the notice for a worker."""
    nudge(send_notice, charge_id)


@shared_task(bind=True, name="sandbox.send_notice", max_retries=6)
def send_notice(self: Any, charge_id: int) -> None:
    """POST the notice; retry after 1, 2, 4 ... seconds."""
    charge = Charge.objects.get(pk=charge_id)
    try:
        post_notice(charge)
    except httpx2.HTTPError as error:
        raise self.retry(exc=error, countdown=2**self.request.retries) from error
    Charge.objects.filter(pk=charge_id).update(notified_at=timezone.now())


def post_notice(charge: Charge) -> None:
    """POST the notice once. Raise httpx2.HTTPError unless the shop answers 2xx.

    The connection goes to SANDBOX_WEBHOOK_ORIGIN, with the shop's host in the request: servers do not resolve
    ``*.localhost``.
    """
    body = json.dumps({"type": f"charge.{charge.state}", "reference": charge.reference}).encode()
    headers = signing.notice_headers(f"evt_{charge.pk}_{charge.state}", body, timezone.now())
    response = httpx2.post(
        settings.SANDBOX_WEBHOOK_ORIGIN + charge.webhook_path,
        content=body,
        headers={**headers, "host": charge.webhook_host},
        timeout=5,
    )
    response.raise_for_status()
