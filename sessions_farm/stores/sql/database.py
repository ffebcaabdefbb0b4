"""Sessions in SQL: a row for each header, for each variable, and for each key that ended (its tombstone).

Writes use optimistic concurrency: each is one conditional statement, and only where it found nothing to update a second
one reads the reason. A write locks the session's header first, so two writers of one session take turns, and a write
that loses the race with a deletion finds no header. PostgreSQL needs one round trip for each method, the extension of
the time-out included (postgresql/); SQLite runs the same in several statements of one transaction (sqlite/).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, replace
from typing import TYPE_CHECKING, Any

from django.db import connections, router

from sessions_farm.models import Session
from sessions_farm.stores.base import (
    Change,
    Header,
    Increment,
    KeyTakenError,
    LeaseLostError,
    Lifetime,
    Operation,
    Reading,
    SessionEndedError,
    SessionMissingError,
    State,
    StoreUnavailableError,
)
from sessions_farm.stores.effects.effects import InTransaction
from sessions_farm.stores.sql.dialect import DialectOptions
from sessions_farm.stores.sql.followers import followers
from sessions_farm.stores.sql.queries import DatabaseQueries, decoded

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    from sessions_farm.conf import Options
    from sessions_farm.stores.effects.effects import Effect, Effects
    from sessions_farm.stores.sql.dialect import Dialect, Refusal

TRIES = 10  # of a write whose obstacle was gone again when its reason was read


class DatabaseStore(DatabaseQueries):
    """The ``database`` store. In a thread every effect takes part in the transaction that Django has open there.

    Such a transaction lasts as long as a view may: a load inside it locks nothing. Its conflicts and time-outs are the
    application's to handle, and raised as Django raises them; in a transaction of its own an effect is tried again.

    In an event loop PostgreSQL has asynchronous connections of the store's own (postgresql/async_pool.py).
    """

    joins_transactions = True

    def __init__(self, options: Options) -> None:
        self._options = DialectOptions.of(options)
        self._dialects: dict[str, Dialect] = {}

    @property
    def alias(self) -> str:
        return router.db_for_write(Session)

    @property
    def connection(self) -> BaseDatabaseWrapper:
        return connections[self.alias]

    @property
    def rotates_followers(self) -> bool:
        """Whether ``rotate`` copies the rows of every following table to the new key."""
        return all(table.alias == self.alias for table in followers())

    def execute(self, statement: str, **given: Any) -> Effect:
        """Execute a statement with named parameters in the store's database; the answer is its rows."""
        return self._sql.execute(statement, **given)

    def clock(self) -> Effects[int | None]:
        rows = yield self.execute(self._sql.clock)
        return int(rows[0][0])

    def create(self, key: str, variables: Mapping[str, str], lifetime: Lifetime, now: int) -> Effects[Header]:
        header = astuple(Header.fresh(lifetime, now))
        rows = yield self._sql.create(key, variables, header, now, over=False)
        if not rows:
            refusal: Refusal = yield self._sql.refusal(key, "", Change(), (), now)
            if not refusal.has_ended and refusal.header is None:
                # An expired session that was not swept yet makes room.
                rows = yield self._sql.create(key, variables, header, now, over=True)
            if not rows:
                raise SessionEndedError(key) if refusal.has_ended else KeyTakenError(key)
        return Header(*rows[0][1:7])

    def load(self, key: str, now: int) -> Effects[Reading]:
        touches = not (yield InTransaction(self.alias))
        rows = yield self._sql.load(key, now, touches=touches)
        grace_until, final_variables, *header = rows[0][:8]
        if grace_until is not None:
            if now < grace_until:
                return Reading(State.ENDED, decoded(final_variables), in_grace=True, successor=rows[0][10])
            return Reading(State.ENDED)
        if header[0] is None or now >= header[3]:
            return Reading(State.ABSENT)
        found = Header(*header)
        is_due = found.is_due(now)
        if is_due and touches:
            found = found.touched(now)
        variables = {row[8]: row[9] for row in rows if row[8] is not None}
        return Reading(State.LIVE, variables, found, touch_due=is_due and not touches)

    def apply(self, key: str, change: Change, now: int) -> Effects[Header]:
        change = normalized(change)
        for _ in range(TRIES):
            rows = yield self._sql.apply(key, change, now)
            if rows:
                return Header(*rows[0][1:7])
            refusal = yield self._sql.refusal(key, "", change, change.add, now)
            done = require_possible(refusal, key, change)
            if done:
                return done
        raise contended(key)

    def modify(self, key: str, operation: Operation, now: int, idempotency_key: str = "") -> Effects[str | None]:
        text, _ = yield from self.modify_with_header(key, operation, now, idempotency_key)
        return text

    def modify_with_header(
        self, key: str, operation: Operation, now: int, idempotency_key: str = ""
    ) -> Effects[tuple[str | None, Header]]:
        """The variable's text, and the header that it stands under; as ``modify``.

        Where ``idempotency_key`` was done before, the header is the present one, which later writes may have raised.
        """
        for _ in range(TRIES):
            rows = yield self._sql.modify(key, operation, now, idempotency_key)
            if rows:
                return rows[0][7], Header(*rows[0][1:7])
            refusal: Refusal = yield self._sql.refusal(key, "", Change(), [operation.name], now)
            done = require_possible(refusal, key, Change(idempotency_key=idempotency_key))
            current = refusal.texts.get(operation.name)
            if done and idempotency_key:
                return current, done
            operation.on(current)
        raise contended(key)

    def touch(self, key: str, now: int) -> Effects[bool]:
        return bool((yield self._sql.touch(key, now)))

    def rotate(self, old: str, new: str, change: Change, now: int, grace: int, successor: str = "") -> Effects[Header]:
        change, over = normalized(change), False
        for _ in range(TRIES):
            rows = yield self._sql.rotate(old, new, change, now, grace, successor, over=over)
            if rows:
                return Header(*rows[0][1:7])
            refusal: Refusal = yield self._sql.refusal(old, new, change, change.add, now)
            done = require_possible(refusal, old, change)
            if done:
                return done
            if refusal.new_has_ended:
                raise SessionEndedError(new)
            if refusal.new_expires and refusal.new_expires > now:
                raise KeyTakenError(new)
            over = refusal.new_expires is not None
        raise contended(old)

    def delete(self, key: str, reason: str, now: int) -> Effects[None]:
        yield self._sql.delete(key, reason, now)

    @property
    def _sql(self) -> Dialect:
        alias = self.alias
        if alias not in self._dialects:
            self._dialects[alias] = dialect_of(alias, self._options)
        return self._dialects[alias]


def dialect_of(alias: str, options: DialectOptions) -> Dialect:
    """Return the dialect of a database."""
    if connections[alias].vendor == "postgresql":
        from sessions_farm.stores.sql.postgresql.dialect import PostgresDialect  # noqa: PLC0415 -- it needs psycopg

        return PostgresDialect(alias, options)
    from sessions_farm.stores.sql.sqlite.dialect import SqliteDialect  # noqa: PLC0415 -- only where it is needed

    return SqliteDialect(alias, options)


def normalized(change: Change) -> Change:
    """Return the change with each name in one of its parts. Raise TypeError where it adds to a text that it puts."""
    put, drop, add = dict(change.put), set(change.drop), dict(change.add)
    for name in drop & put.keys():
        del put[name]
    for name in change.add if change.replace else add.keys() & (put.keys() | drop):
        put[name] = Increment(name, add.pop(name)).on(put.get(name)) or ""
        drop.discard(name)
    return replace(change, put=put, drop=() if change.replace else sorted(drop), add=add)


def require_possible(refusal: Refusal, key: str, change: Change) -> Header | None:
    """Return the header where the change was applied before, None where a retry may succeed; raise the obstacle.

    The idempotency key deduplicates: a retry whose first answer was lost finds its key among the session's latest.
    """
    if refusal.has_ended:
        raise SessionEndedError(key)
    if refusal.header is None:
        raise SessionMissingError(key)
    if change.idempotency_key and change.idempotency_key in refusal.idempotency_keys:
        return Header(*refusal.header)
    if change.holder and not refusal.is_held:
        raise LeaseLostError(f"The lease of {key[:8]}… has ended or is another's.")
    for name, by in change.add.items():
        Increment(name, by).on(refusal.texts.get(name))
    return None


def contended(key: str) -> StoreUnavailableError:
    return StoreUnavailableError(
        f"The session {key[:8]}… changes faster than a write of it can be tried ({TRIES} times)."
    )
