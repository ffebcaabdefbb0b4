"""``manage.py sessions``: lists and ends the live sessions of the farm, and maintains their store.

The work is done in ``sessions_farm.session.queries``, ``status`` and ``sweeper``; this module parses and prints.
"""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, NotSupportedError, OperationalError, close_old_connections
from django.template.defaultfilters import pluralize

from sessions_farm.conf import options
from sessions_farm.session import people, queries, sweeper
from sessions_farm.session.status import Status, store_status
from sessions_farm.stores import current_store
from sessions_farm.stores.base import NEVER, StoreUnavailableError
from sessions_farm.stores.effects.effects import run_sync
from sessions_farm.stores.sql.unlogged import set_logged
from sessions_farm.stores.store_time import now_effects
from sessions_farm.stores.switching import FollowingStore, SwitchingStore
from sessions_farm.stores.tiered.epoch import TierEpoch

if TYPE_CHECKING:
    from sessions_farm.session.queries import LiveSession

SUBCOMMANDS = {
    "status": "Show the store, its latency, and the number of live sessions.",
    "list": "List some of the live sessions.",
    "find": "List the live sessions whose indexed variables have these values.",
    "end": "End one session, or all of one person, for good.",
    "switch": "Move what is left in SWITCH_FROM to STORE.",
    "invalidate": "Invalidate every copy in Redis that was made until now: after a time without the tier.",
    "sweep": "End expired sessions, and deliver events.",
    "acl": "Print the least rights that the farm needs at Redis, as lines of an ACL file.",
    "logged": "Let PostgreSQL log its writes to the sessions' tables, or not: faster, but empty after a crash.",
}
LIMIT = 100
BATCH = 500  # sessions that move between two lines of progress


class Command(BaseCommand):
    """The subcommands are the methods ``handle_…``."""

    help = "Lists and ends the live sessions of the farm, and maintains their store."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the subcommands."""
        subparsers = parser.add_subparsers(dest="subcommand", required=True, metavar="|".join(SUBCOMMANDS))
        of = {name: subparsers.add_parser(name, help=text, description=text) for name, text in SUBCOMMANDS.items()}
        for name in ("status", "list", "find"):
            of[name].add_argument("--format", choices=["text", "json"], default="text", help="json for other programs")
        for name in ("list", "find"):
            of[name].add_argument("--limit", type=int, default=LIMIT, help=f"how many at most ({LIMIT})")
        of["find"].add_argument("terms", nargs="+", metavar="name=value", help="value: JSON, or else the text itself")
        whose = of["end"].add_mutually_exclusive_group(required=True)
        whose.add_argument("handle", nargs="?", help="as `sessions list` shows it")
        whose.add_argument("--user", help="user name, e-mail address or primary key: signed out everywhere")
        of["switch"].add_argument("--batch", type=int, default=BATCH, help=f"between two lines of progress ({BATCH})")
        of["sweep"].add_argument("--every", type=float, metavar="SECONDS", help="until SIGTERM or SIGINT")
        of["logged"].add_argument("setting", choices=["on", "off"])

    def handle(self, *, subcommand: str, **given: Any) -> None:
        """Run a subcommand."""
        try:
            getattr(self, f"handle_{subcommand}")(**given)
        except StoreUnavailableError as error:
            raise CommandError(f"The store {options().store!r} does not answer: {error}") from error

    def handle_status(self, *, format: str, **_given: Any) -> None:  # noqa: A002 -- as on the command line
        """Print the status of the store."""
        status = store_status()
        self.stdout.write(json.dumps(asdict(status)) if format == "json" else "\n".join(status_lines(status)))
        if status.error:
            raise CommandError(f"The store {status.store!r} does not answer: {status.error}")

    def handle_list(self, *, limit: int, format: str, **_given: Any) -> None:  # noqa: A002 -- as above
        """List some of the live sessions."""
        self._show(queries.find(limit=limit), format)

    def handle_find(self, *, terms: list[str], limit: int, format: str, **_given: Any) -> None:  # noqa: A002 -- as above
        """List sessions by indexed variables."""
        try:
            found = queries.find(limit=limit, **dict(people.parse_term(term) for term in terms))
        except ValueError as error:
            raise CommandError(str(error)) from error
        self._show(found, format)

    def handle_end(self, *, handle: str | None, user: str | None, **_given: Any) -> None:
        """End a session, or all of a person."""
        if user is not None:
            try:
                person = people.find_person(user)
            except people.PersonLookupError as error:
                raise CommandError(str(error)) from error
            ended = queries.end_everywhere(person)
            self.stdout.write(f"{person} is signed out: {ended} session{pluralize(ended)} ended.")
            return
        store = current_store()
        living = run_sync(store.get_many([handle or ""], run_sync(now_effects(store))))
        if not any(found.header.ends < NEVER for found in living):
            raise CommandError(f"No session lives under {handle!r}. `manage.py sessions list` shows the handles.")
        queries.end(str(handle))
        self.stdout.write("Ended.")

    def handle_switch(self, *, batch: int, **_given: Any) -> None:
        """Move the remaining sessions to the new store."""
        given, store, moved = options(), current_store(), 0
        if isinstance(store, FollowingStore):
            raise CommandError(
                'SESSIONS_FARM["SWITCH_TO"] is set: this node still follows. Once every node has it, set'
                f' "STORE": {given.switch_to!r}, "SWITCH_FROM": {given.store!r} instead, and come back.'
            )
        if not isinstance(store, SwitchingStore):
            raise CommandError(
                'There is no switch: SESSIONS_FARM["SWITCH_FROM"] names no store that sessions move away from.'
            )
        while some := run_sync(store.emptying(run_sync(now_effects(store)), batch)):
            moved += some
            self.stdout.write(f"{moved} moved from {given.switch_from} to {given.store} …")
        sweeper.sweep()
        if run_sync(store.old.read_events(1)):
            raise CommandError(
                f"All is moved, but {given.switch_from!r} has events that are not delivered: run"
                " `manage.py sessions sweep`, and come back before SWITCH_FROM is removed."
            )
        self.stdout.write(f"Nothing is left in {given.switch_from}: SWITCH_FROM can be removed in a minute.")

    def handle_invalidate(self, **_given: Any) -> None:
        """Invalidate the copies of a tiered store."""
        epoch = getattr(current_store(), "epoch", None)
        if not isinstance(epoch, TierEpoch):
            raise CommandError(f"The store {options().store!r} has no copies in Redis; 'tiered' has.")
        run_sync(epoch.bump_epoch())
        self.stdout.write(
            f"The epoch is raised: within {options().tier_poll:g} s each node reads copies anew from SQL."
        )

    def handle_sweep(self, *, every: float | None, **_given: Any) -> None:
        """Sweep once, or until a signal."""
        if every is None:
            batches = sweeper.sweep()
            self.stdout.write(f"Swept in {batches} batch{pluralize(batches, 'es')}.")
            return
        with stop_on_signal() as stop:
            while not stop.is_set():
                try:
                    sweeper.sweep()
                except DatabaseError as error:
                    self.stderr.write(f"Sessions are not swept now: {error}")
                close_old_connections()
                stop.wait(every)
        self.stdout.write("Stopped.")

    def handle_acl(self, **_given: Any) -> None:
        """Print the lines of an ACL file."""
        try:
            from sessions_farm.stores.redis.acl import acl_lines  # noqa: PLC0415 -- redis is an extra
        except ImportError as error:
            raise CommandError("The redis package is not installed: pip install redis.") from error
        try:
            lines = acl_lines(options())
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error
        self.stdout.write("\n".join(lines))

    def handle_logged(self, *, setting: str, **_given: Any) -> None:
        """Make the tables logged or unlogged."""
        try:
            tables = set_logged(logged=setting == "on")
        except NotSupportedError as error:
            raise CommandError(str(error)) from error
        except OperationalError as error:
            raise CommandError(f"The tables are in use, and stay as they were; try again. ({error})") from error
        self.stdout.write(f"{', '.join(tables)}: {'logged' if setting == 'on' else 'not logged'}.")
        if setting == "off":
            self.stdout.write("After a crash of PostgreSQL they are empty, and a standby has none of them.")

    def _show(self, found: list[LiveSession], form: str) -> None:
        if form == "json":
            self.stdout.write(json.dumps([session_row(one) for one in found]))
            return
        self.stdout.write("\n".join(session_table(found)))


def status_lines(status: Status) -> Iterator[str]:
    """Return each known value in a line of its own."""
    yield f"store        {status.store}" + (f" (switching {status.switch})" if status.switch else "")
    if status.error:
        yield f"reachable    no: {status.error}"
        return
    yield f"reachable    yes, in {(status.latency_seconds or 0) * 1000:.1f} ms"
    yield f"live         {status.live or 0} session{pluralize(status.live or 0)}"
    if status.epoch is not None:
        yield f"tier epoch   {status.epoch}"
    pending, delivered = status.pending_seconds, status.delivered_seconds
    yield f"pending      {'no event' if pending is None else f'events, the oldest {pending:.0f} s old'}"
    yield f"delivered    {'no event yet' if delivered is None else f'last {delivered:.0f} s ago'}"


def session_row(one: LiveSession) -> dict[str, Any]:
    """Return a session as a dictionary for JSON."""
    return {
        "handle": one.handle,
        "created_at": one.created_at.isoformat(),
        "seen_at": one.seen_at.isoformat(),
        "expires_at": one.expires_at.isoformat(),
        "shared": dict(one.shared),
    }


def session_table(found: Iterable[LiveSession]) -> Iterator[str]:
    """Return the lines of a table of sessions."""
    yield f"{'handle':43}  {'since':19}  {'last seen':19}  {'expires':19}  shared"
    for one in found:
        times = (f"{moment:%Y-%m-%d %H:%M:%S}" for moment in (one.created_at, one.seen_at, one.expires_at))
        shared = " ".join(f"{name}={json.dumps(value)}" for name, value in one.shared.items())
        yield "  ".join([f"{one.handle:43}", *times, shared]).rstrip()


@contextmanager
def stop_on_signal() -> Iterator[threading.Event]:
    """Give an event that SIGTERM and SIGINT set, so that the running sweep is done to its end."""
    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
