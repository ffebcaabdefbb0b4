"""Periodic tasks that belong to no single app."""

from celery import shared_task
from django.utils import timezone


@shared_task(name="mall.sweep_checkouts")
def sweep_checkouts() -> None:
    """Settle or expire abandoned checkouts."""
    from cart.checkout import sweeping  # noqa: PLC0415 -- app ready

    sweeping.sweep_checkouts(now=timezone.now())


@shared_task(name="mall.check_domains")
def check_domains() -> None:
    """Check the TXT records of pending domains, and of domains checked a day ago."""
    from sessions_farm.communities import verification  # noqa: PLC0415 -- app ready

    verification.verify_due_domains(timezone.now())


@shared_task(name="mall.sweep_sessions")
def sweep_sessions() -> None:
    """End expired sessions and deliver their events."""
    from sessions_farm.session import sweeper  # noqa: PLC0415 -- app ready

    sweeper.sweep(now=timezone.now())


@shared_task(name="mall.erase_orders")
def erase_orders() -> None:
    """Erase who bought from the orders of deleted accounts that have come to rest."""
    from cart.orders import erasure  # noqa: PLC0415 -- app ready

    while erasure.erase_due_orders(timezone.now()) == erasure.BATCH:
        pass
