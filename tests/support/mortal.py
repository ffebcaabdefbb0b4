"""Processes that are killed -9 at a point of a checkout: before or after their n-th commit or call of the gateway.

``Mortals`` is the test's side. The program (``python -m tests.support.mortal``) loads the project once and forks for
each act, so a death costs a fork. It reads orders and writes what came of them, each a line of JSON.
"""

import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
from datetime import datetime

from deploy.demo.stack import PROJECT
from tests.support.nodes import url_of_test_database

WRITES = ("INSERT", "UPDATE", "DELETE")


class Mortals:
    """Carries out acts in processes of their own, which may be killed on the way."""

    def __init__(self):
        self.program = subprocess.Popen(
            [sys.executable, "-m", __name__],
            cwd=PROJECT,
            env=os.environ | {"DATABASE_URL": url_of_test_database(), "DJANGO_SETTINGS_MODULE": "tests.settings"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def points_of(self, act, **arguments) -> list[str]:
        """Carry out an act; the points that it went through."""
        answer = self.ask(act=act, arguments=arguments, kill=None)
        assert "points" in answer, answer
        return answer["points"]

    def kill_at(self, point, act, **arguments) -> None:
        """Carry out an act as far as a point, by its number."""
        answer = self.ask(act=act, arguments=arguments, kill=point)
        assert answer == {"signal": signal.SIGKILL}, answer

    def ask(self, **order):
        self.program.stdin.write(json.dumps(order) + "\n")
        self.program.stdin.flush()
        return json.loads(self.program.stdout.readline())

    def close(self):
        self.program.stdin.close()
        self.program.wait(timeout=30)
        self.program.stdout.close()


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
        from django.db import connection

        from tests.support import unreliable_gateway

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


def act_pay(now, visitor, **options):
    from cart.checkout.errors import AlreadyPaidError
    from cart.checkout.services import start_payment
    from sessions_farm.communities.models import Visitor
    from tests.support.shop import request_of

    buyer = Visitor.objects.get(pk=visitor)
    with contextlib.suppress(AlreadyPaidError):
        start_payment(visitor=buyer, user=None, checkout_request=request_of(buyer, **options), now=now)


def act_come_back(now, payment):
    from cart.checkout.finalise import finalise
    from cart.orders.models import Payment

    finalise(payment=Payment.objects.get(pk=payment), now=now)


def act_sweep(now):
    from cart.checkout.sweeping import sweep_checkouts

    sweep_checkouts(now=now)


def carry_out(order, answer_to):
    """In a process of its own: act, and write the points, unless killed."""
    points = Points(order["kill"])
    try:
        points.watch()
        now = datetime.fromisoformat(order["arguments"].pop("now"))
        globals()[f"act_{order['act']}"](now, **order["arguments"])
        answer = {"points": points.names}
    except Exception as error:  # noqa: BLE001 -- the test looks at it
        answer = {"error": repr(error), "points so far": points.names}
    os.write(answer_to, json.dumps(answer).encode())
    os._exit(0)


def main():
    import django

    if "MUTANT" in os.environ:  # the check of the defences: this program is to be without one too
        importlib.import_module("sessions_farm.communities.tests.support.mutant_plugin")
    django.setup()
    from django.conf import settings

    from tests.support import unreliable_gateway

    settings.PAYMENT_GATEWAYS = {unreliable_gateway.NAME: unreliable_gateway.PATH}
    for line in sys.stdin:
        answers, answer_to = os.pipe()
        child = os.fork()
        if child == 0:
            carry_out(json.loads(line), answer_to)
        os.close(answer_to)
        with open(answers, "rb") as pipe:
            answer = pipe.read()
        _, status = os.waitpid(child, 0)
        killed_by = os.waitstatus_to_exitcode(status)
        print(answer.decode() or json.dumps({"signal": -killed_by}), flush=True)


if __name__ == "__main__":
    main()
