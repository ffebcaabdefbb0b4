"""Many ``dispatchd`` processes, one after the other: the program loads the project once and forks for each of them.

``Nursery`` is the test's side. The program (``python -m tests.support.dispatchd_nursery``) reads orders and writes an
answer to each, a line each.
"""

import os
import signal
import subprocess
import sys

import django
from django.core.management import call_command

from deploy.demo.stack import PROJECT

LEASE = "3"  # seconds


class Nursery:
    """Starts and ends workers by their process ids."""

    def __init__(self, environment):
        self.program = subprocess.Popen(
            [sys.executable, "-m", __name__],
            cwd=PROJECT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self) -> int:
        """Start a worker; return its process id."""
        return self.ask("start")

    def end(self, pid: int, number: signal.Signals) -> int:
        """Send a worker the signal and wait for its end; return its exit code."""
        os.kill(pid, number)
        return self.ask(f"wait {pid}")

    def ask(self, order: str) -> int:
        self.program.stdin.write(f"{order}\n")
        self.program.stdin.flush()
        return int(self.program.stdout.readline())

    def close(self) -> None:
        """End the program and all workers."""
        self.program.stdin.close()
        self.program.wait(30)
        self.program.stdout.close()


def work():
    """In a process of its own: work the outbox, silent."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    call_command("dispatchd", "--lease", LEASE)
    os._exit(0)


def main():
    django.setup()
    children = set()
    for line in sys.stdin:
        order, _, pid = line.strip().partition(" ")
        if order == "wait":
            _, status = os.waitpid(int(pid), 0)
            children.discard(int(pid))
            answer = os.waitstatus_to_exitcode(status)
        elif answer := os.fork():
            children.add(answer)
        else:
            work()
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()
    for child in children:
        os.kill(child, signal.SIGKILL)


if __name__ == "__main__":
    main()
