"""Periodic tasks that belong to no single app.

Their time is the database's: a worker whose clock is hours off expires no checkout early and none late.
"""

from datetime import timedelta

from celery import shared_task
from django.conf import settings

from shipping.claim import database_now


@shared_task(name="mall.sweep_checkouts")
def sweep_checkouts() -> None:
    """Settle or expire abandoned checkouts."""
    from cart.checkout import sweeping  # noqa: PLC0415 -- app ready

    sweeping.sweep_checkouts(now=database_now())


@shared_task(name="mall.check_domains")
def check_domains() -> None:
    """Check the TXT records of pending domains, and of domains checked a day ago."""
    from sessions_farm.communities import verification  # noqa: PLC0415 -- app ready

    verification.verify_due_domains(database_now())


@shared_task(name="mall.sweep_sessions")
def sweep_sessions() -> None:
    """End expired sessions and deliver their events."""
    from sessions_farm.session import sweeper  # noqa: PLC0415 -- app ready

    sweeper.sweep(now=database_now())


@shared_task(name="mall.erase_orders")
def erase_orders() -> None:
    """Erase the buyers of deleted accounts and of orders past their term, once the orders are at rest."""
    from cart.orders import erasure  # noqa: PLC0415 -- app ready

    terms = {"placed": timedelta(days=settings.ORDER_DAYS), "unpaid": timedelta(days=settings.UNPAID_DAYS)}
    while erasure.release_old_orders(database_now(), **terms) == erasure.BATCH:
        pass
    while erasure.erase_due_orders(database_now()) == erasure.BATCH:
        pass


@shared_task(name="mall.write_stock_alerts")
def write_stock_alerts() -> None:
    """Write to those whose goods are back, and forget the networks that no limit of alerts counts any more."""
    from cart.stock_alerts import limits, services  # noqa: PLC0415 -- app ready

    services.write_due_letters(database_now())
    limits.forget_networks(database_now())


@shared_task(name="mall.purge_old_rows")
def purge_old_rows() -> None:
    """Delete rows past their age."""
    from mall import retention  # noqa: PLC0415 -- app ready

    retention.purge(database_now())
