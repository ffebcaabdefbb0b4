"""What a process does that may be killed on the way (``mortal``); it needs Django ready."""

import contextlib
import os
import signal

from django.db import connection

from cart.checkout.errors import AlreadyPaidError
from cart.checkout.finalise import finalise
from cart.checkout.services import start_payment
from cart.checkout.sweeping import sweep_checkouts
from cart.orders.models import Payment
from sessions_farm.communities.models import Visitor
from tests.support import unreliable_gateway
from tests.support.shop import request_of

WRITES = ("INSERT", "UPDATE", "DELETE")


class Points:
    """Counts the points that this process comes to, and kills it at one of them."""

    def __init__(self, kill):
        self.kill, self.names = kill, []

    def come_to(self, name):
        if len(self.names) == self.kill:
            os.kill(os.getpid(), signal.SIGKILL)
        self.names.append(name)

    @contextlib.contextmanager
    def around(self, name):
        self.come_to(f"before {name}")
        yield
        self.come_to(f"after {name}")

    def watch(self):
        """Come to a point before and after each commit and each call of the gateway."""
        commit = connection._commit

        def counted_commit():
            with self.around("commit"):
                commit()

        def execute(run, sql, params, many, context):
            if connection.in_atomic_block or not sql.lstrip().startswith(WRITES):
                return run(sql, params, many, context)
            with self.around("commit"):
                return run(sql, params, many, context)

        connection._commit = counted_commit
        connection.execute_wrappers.append(execute)
        unreliable_gateway.Gateway.line = staticmethod(
            lambda name, *, is_answered: self.come_to(f"{'after' if is_answered else 'before'} {name}")
        )


def pay(now, visitor, **options):
    buyer = Visitor.objects.get(pk=visitor)
    with contextlib.suppress(AlreadyPaidError):
        start_payment(visitor=buyer, user=None, checkout_request=request_of(buyer, **options), now=now)


def come_back(now, payment):
    finalise(payment=Payment.objects.get(pk=payment), now=now)


def sweep(now):
    sweep_checkouts(now=now)


ACTS = {act.__name__: act for act in (pay, come_back, sweep)}
