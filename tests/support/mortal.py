"""Processes that are killed -9 at a point of a checkout: before or after their n-th commit or call of the gateway.

``Mortals`` is the test's side. The program (``python -m tests.support.mortal``) loads the project once and forks for
each act, so a death costs a fork. It reads orders and writes what came of them, each a line of JSON.
"""

import importlib
import json
import os
import signal
import subprocess
import sys
from datetime import datetime

import django
from django.conf import settings

from deploy.demo.stack import PROJECT
from tests.support.nodes import url_of_test_database


class ForkingProgram:
    """A program that loads the project once, and forks for each order; its answers are lines of JSON."""

    def __init__(self, module):
        self.program = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=PROJECT,
            env=os.environ | {"DATABASE_URL": url_of_test_database(), "DJANGO_SETTINGS_MODULE": "tests.settings"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def tell(self, order: str) -> None:
        self.program.stdin.write(f"{order}\n")
        self.program.stdin.flush()

    def hear(self):
        return json.loads(self.program.stdout.readline())

    def close(self) -> None:
        self.program.stdin.close()
        self.program.wait(timeout=30)
        self.program.stdout.close()


class Mortals(ForkingProgram):
    """Carries out acts in processes of their own, which may be killed on the way."""

    def __init__(self):
        super().__init__(__name__)

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
        self.tell(json.dumps(order))
        return self.hear()


def carry_out(order, answer_to):
    """In a process of its own: act, and write the points, unless killed."""
    acts = importlib.import_module("tests.support.mortal_acts")  # Django is ready by now
    points = acts.Points(order["kill"])
    try:
        points.watch()
        now = datetime.fromisoformat(order["arguments"].pop("now"))
        acts.ACTS[order["act"]](now, **order["arguments"])
        answer = {"points": points.names}
    except Exception as error:  # noqa: BLE001 -- the test looks at it
        answer = {"error": repr(error), "points so far": points.names}
    os.write(answer_to, json.dumps(answer).encode())
    os._exit(0)


def main():
    if "MUTANT" in os.environ:  # the check of the defences: this program is to be without one too
        importlib.import_module("sessions_farm.communities.tests.support.mutant_plugin")
    django.setup()
    importlib.import_module("tests.support.mortal_acts")  # once, for all children
    gateway = importlib.import_module("tests.support.unreliable_gateway")
    settings.PAYMENT_GATEWAYS = {gateway.NAME: gateway.PATH}
    settings.CHECKOUT_LIMITS = None
    for line in sys.stdin:
        answers, answer_to = os.pipe()
        child = os.fork()
        if child == 0:
            carry_out(json.loads(line), answer_to)
        os.close(answer_to)
        with os.fdopen(answers) as pipe:
            answer = pipe.read()
        _, status = os.waitpid(child, 0)
        sys.stdout.write((answer or json.dumps({"signal": -os.waitstatus_to_exitcode(status)})) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
