"""Periodic work that belongs to no single app."""

from celery import shared_task
from django.utils import timezone


@shared_task(name="mall.sweep_checkouts")
def sweep_checkouts() -> None:
    """Settle or let go of checkouts that nobody came back to."""
    from cart.checkout import services  # noqa: PLC0415 -- app ready

    services.sweep_checkouts(now=timezone.now())


@shared_task(name="mall.check_domains")
def check_domains() -> None:
    """Look for the proof of domains that wait for it, and of those whose proof is a day old."""
    from sessions_farm.communities import verification  # noqa: PLC0415 -- app ready

    verification.verify_due_domains(timezone.now())


@shared_task(name="mall.sweep_sessions")
def sweep_sessions() -> None:
    from sessions_farm.session import sweeper  # noqa: PLC0415 -- app ready

    sweeper.sweep(now=timezone.now())
