"""``python -m deploy.demo.run``: the demo from an empty folder to a served mall, and back on Ctrl-C."""

import argparse
import os
import shutil
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from deploy import servers
from deploy.demo.stack import PROJECT, Stack, running_stack
from deploy.demo.vendor_sites import LINES
from deploy.servers import processes

STOPPERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 -- a program's voice


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the whole mall on this machine. PORT=8100 chooses another port.")
    parser.add_argument("--reset", action="store_true", help="throw the data of earlier runs away first")
    reset = parser.parse_args().reset
    data = Path(os.environ.get("MALL_DATA", PROJECT / ".data")).resolve()
    for number in STOPPERS:
        signal.signal(number, interrupt)
    try:
        run(data, int(os.environ.get("PORT", "8000")), reset=reset)
    except KeyboardInterrupt:
        say("Stopped; nothing is left running.")
        return 0
    except (servers.ServerError, RuntimeError) as fault:
        say(f"\n{fault}")
        return 1
    return 0


def interrupt(_number: int, _frame: FrameType | None) -> None:
    """Stop in order, once: a second Ctrl-C must not break that off."""
    for number in STOPPERS:
        signal.signal(number, signal.SIG_IGN)
    say("\nStopping ...")
    raise KeyboardInterrupt


def run(data: Path, port: int, *, reset: bool) -> None:
    data.mkdir(parents=True, exist_ok=True)
    with processes.locked(data):
        processes.stop_leftovers(data / "run")
        if reset:
            erase(data)
        begun = time.monotonic()
        with running_stack(data, port, say) as stack:
            announce(stack, time.monotonic() - begun)
            stack.watch()


def erase(data: Path) -> None:
    if os.environ.get("DATABASE_URL"):
        raise servers.ServerError("DATABASE_URL names a server that is not the demo's: empty its database yourself.")
    servers.erase(data / "servers")
    for path in data.iterdir():
        if path.is_dir():
            shutil.rmtree(path)


def announce(stack: Stack, seconds: float) -> None:
    say(f"Ready after {seconds:.0f} s.\n")
    say((stack.supervisor.notes / "welcome").read_text())
    say(f"\nHow orders reach the shipping departments, and where they lie there:\n{table_of(stack)}")
    say(f"Logs: {stack.supervisor.notes}\nCtrl-C stops everything.")


def table_of(stack: Stack) -> str:
    """Return the table of the vendors with departments of their own: the line of each, and the folder of its orders."""
    return "\n".join(f"  {name:<12} {LINES[name]:<64} {path}" for name, path in stack.departments.inboxes.items())


if __name__ == "__main__":
    sys.exit(main())
