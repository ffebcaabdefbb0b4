"""The ``database`` store in PostgreSQL: each method is one round trip."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from sessions_farm.stores.base import Append, Change, CompareAndSet, Increment, Operation
from sessions_farm.stores.sql import dialect
from sessions_farm.stores.sql.dialect import DialectOptions, Refusal, term_of
from sessions_farm.stores.sql.followers import FollowingTable, followers
from sessions_farm.stores.sql.postgresql import queries_sql as many
from sessions_farm.stores.sql.postgresql import session_sql as one
from sessions_farm.stores.sql.postgresql.lease_wait import LeaseWait, channel_of
from sessions_farm.stores.sql.postgresql.query import Query


class PostgresDialect:
    """Queries built of the statements and parts of session_sql and many."""

    clock = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint"

    def __init__(self, alias: str, options: DialectOptions) -> None:
        self._alias = alias
        self._options = options
        self._common = {"shared": list(options.shared), "indexed": list(options.indexed)}

    def load(self, key: str, now: int, *, touches: bool) -> Query:
        given = {"key": key, "now": now}
        if not touches:
            return Query(self._alias, (one.READ,), given, is_frequent=True)
        return Query(self._alias, (one.LOAD,), given, is_frequent=True, when_read_only=one.READ)

    def create(self, key: str, variables: Mapping[str, str], header: tuple[int, ...], now: int, *, over: bool) -> Query:
        parts = [*self._puts(variables), *([one.STARTED] if self._options.events else [])]
        statements = [one.statement(one.CREATE, *parts)]
        if over:
            statements.insert(0, self._making_room("key"))
        given = {"key": key, "idle": header[2], "expires": header[3], "ends": header[4]}
        return frequent(self._query(*statements, **given, **arrays_of(Change(put=variables)), now=now))

    def apply(self, key: str, change: Change, now: int) -> Query:
        return self._write(key, key, change, now, [], {})

    def rotate(self, old: str, new: str, change: Change, now: int, grace: int, successor: str, *, over: bool) -> Query:
        parts = [
            one.LEAVE_TOMBSTONE,
            *one.follow(self._followers),
            *([one.ROTATED] if self._options.events else []),
        ]
        given = {"until": now + self._options.tombstone_ttl_ms, "grace": now + grace, "successor": successor}
        query = self._write(old, new, change, now, parts, given)
        return replace(query, statements=(self._making_room("new"), *query.statements)) if over else query

    def modify(self, key: str, operation: Operation, now: int, idempotency_key: str) -> Query:
        fresh, condition, given = computation_of(operation)
        drops = isinstance(operation, CompareAndSet) and operation.value is None
        sets, conditions = (one.REMEMBER_KEY, f"{condition} {one.NEW_KEY}") if idempotency_key else ("", condition)
        parts = [one.DROPPED.format(which="v.name = %(name)s")] if drops else [f"fresh AS ({fresh})", one.PUT]
        if operation.name in self._options.shared:
            parts.append(one.FEED_OF_DROP if drops else one.FEED_OF_PUT)
        answer = f"{one.HEADER_OF_LIVE}, {'NULL FROM live' if drops else 'fresh.value FROM live, fresh'}"
        head = f"{one.OLD}, live AS ({one.apply(sets, conditions)})"
        statement = f"WITH {head}, {', '.join(parts)} SELECT {answer}"
        given |= {"key": key, "name": operation.name, "idempotency_key": idempotency_key, "idle": None, "ends": None}
        return self._query(one.LOCK, statement, **given, now=now)

    def refusal(self, key: str, new: str, change: Change, names: Collection[str], now: int) -> Query:
        given = {"key": key, "new": new, "holder": change.holder, "names": list(names)}
        return replace(self._query(one.REFUSAL, **given, now=now), parse=refusal_of)

    def touch(self, key: str, now: int) -> Query:
        return self._query(one.TOUCH, key=key, now=now)

    def delete(self, key: str, reason: str, now: int) -> Query:
        statement = many.ending(many.DELETE, many.TOMBSTONE_OF_KEY, events=self._events(many.ENDED))
        return self._query(
            one.LOCK, statement, key=key, reason=reason, now=now, until=now + self._options.tombstone_ttl_ms
        )

    def get_many(self, keys: Collection[str], now: int) -> Query:
        return self._query(many.GET_MANY, keys=list(keys), now=now)

    def find(self, values: Mapping[str, str], now: int, limit: int) -> Query:
        given: dict[str, Any] = {}
        for number, (name, text) in enumerate(values.items()):
            given |= {f"name{number}": name, f"term{number}": term_of(text)}
        return self._query(many.find(len(values)), **given, now=now, limit=limit)

    def end_where(self, name: str, text: str, spare: str, reason: str, now: int) -> Query:
        statement = many.ending(many.END_WHERE, many.TOMBSTONES, events=self._events(many.ENDED))
        given = {"name": name, "term": term_of(text), "spare": spare, "reason": reason}
        return self._query(many.LOCK_WHERE, statement, **given, now=now, until=now + self._options.tombstone_ttl_ms)

    def sweep(self, kind: str, now: int, limit: int) -> Query:
        if kind == "sessions":
            events = f", {many.EXPIRED}" if self._options.events else ""
            statement = many.SWEEP_SESSIONS.format(events=events)
        elif kind == "final_variables":
            statement = many.CLEAR_FINAL_VARIABLES
        elif kind == "feeds":
            statement = many.TRIM_FEEDS
        else:
            table, key, condition = many.SWEEP[kind]
            statement = many.DELETE_BATCH.format(table=table, key=key, condition=condition)
        return self._query(statement, now=now, limit=limit)

    def evict_over_limit(self, now: int, limit: int) -> Query:
        events = f", {many.EVICTED}" if self._options.events else ""
        return self._query(
            many.EVICT_OVER_LIMIT.format(events=events), most=self._options.max_live, now=now, limit=limit
        )

    def read_events(self, limit: int) -> Query:
        return self._query(f"{dialect.READ_EVENTS} FOR UPDATE SKIP LOCKED", limit=limit)

    def forget_events(self, ids: Collection[int]) -> Query:
        return self._query(many.FORGET_EVENTS, ids=list(ids))

    def read_changes(self, name: str, after: str) -> Query:
        """Read a feed. Its places are: snapshot, own transaction, its last change; with ``/`` between them."""
        if not after:
            return replace(self._query(many.PLACE, name=name), parse=lambda rows: (place_of(rows[0]), []))
        snapshot, own, last = after.split("/")
        given = {"snapshot": snapshot, "lowest": int(snapshot.split(":")[0]), "own": int(own), "last": int(last)}
        return replace(
            self._query(many.READ_CHANGES, name=name, **given),
            parse=lambda rows: (place_of(rows[0]), [row[3:] for row in rows if row[3] is not None]),
        )

    def release(self, name: str, token: str) -> Query:
        statement = f"WITH gone AS ({dialect.RELEASE}) SELECT until_ms, pg_notify(%(channel)s, '') FROM gone"  # noqa: S608 -- of our own parts
        return self._query(statement, name=name, token=token, channel=channel_of(name))

    def wait(self, name: str, seconds: float) -> LeaseWait:
        return LeaseWait(self._alias, name, seconds)

    def execute(self, statement: str, **given: Any) -> Query:
        return self._query(statement, **given)

    def _write(self, old: str, new: str, change: Change, now: int, parts: list[str], given: dict[str, Any]) -> Query:
        sets, conditions = sets_and_conditions(change, rotates=old != new)
        statements = [one.LOCK_LEASE] if change.holder else []
        if old != new or self._reads_rows(change):
            statements.insert(0, one.LOCK)
        parts = [*self._puts(change.put, change.add), *self._drops(change), *parts]
        statements.append(one.statement(one.apply(sets, conditions), *parts))
        lifetime = (change.lifetime.idle, change.lifetime.ends) if change.lifetime else (None, None)
        given |= {
            "key": old,
            "new": new,
            "idle": lifetime[0],
            "ends": lifetime[1],
            "idempotency_key": change.idempotency_key,
        }
        return frequent(self._query(*statements, **given, **arrays_of(change), holder=change.holder, now=now))

    def _reads_rows(self, change: Change) -> bool:
        """Return whether the statement looks at rows that are there already, so that it must lock the header first."""
        if change.drop or change.replace or change.add:
            return True
        return not change.put.keys().isdisjoint(self._options.shared)

    def _puts(self, put: Mapping[str, str], add: Mapping[str, int] | None = None) -> list[str]:
        sources = [*([one.PUTS] if put else []), *([one.SUMS] if add else [])]
        if not sources:
            return []
        parts = [f"fresh(name, value) AS ({' UNION ALL '.join(sources)})", one.PUT]
        names = {*put, *(add or ())}
        return [*parts, one.FEED_OF_PUT] if names.intersection(self._options.shared) else parts

    def _drops(self, change: Change) -> list[str]:
        if not change.drop and not change.replace:
            return []
        parts = [one.DROPPED.format(which=one.ALL_BUT_PUT if change.replace else one.THESE)]
        fed = self._options.shared if change.replace else set(change.drop).intersection(self._options.shared)
        return [*parts, one.FEED_OF_DROP] if fed else parts

    @property
    def _followers(self) -> tuple[FollowingTable, ...]:
        """The following tables in this database."""
        return tuple(table for table in followers() if table.alias == self._alias)

    def _making_room(self, key: str) -> str:
        """Return the statement that ends an expired session under a key, given by its parameter's name."""
        return many.ending(many.DELETE_EXPIRED.format(key=key), events=self._events(many.EXPIRED))

    def _events(self, event: str) -> str:
        return event if self._options.events else ""

    def _query(self, *statements: str, **given: Any) -> Query:
        return Query(self._alias, statements, self._common | given)


def frequent(query: Query) -> Query:
    """Return the query, worth a plan that is kept if it is one statement: PostgreSQL plans no longer message."""
    return replace(query, is_frequent=len(query.statements) == 1)


def arrays_of(change: Change) -> dict[str, list[Any]]:
    names, texts = list(change.put.keys()), list(change.put.values())
    adds, sums = list(change.add.keys()), [str(by) for by in change.add.values()]
    return {"put": names, "texts": texts, "drop": list(change.drop), "add": adds, "by": sums}


def computation_of(operation: Operation) -> tuple[str, str, dict[str, Any]]:
    """Return the computation of the new text, its condition, and the parameters of both."""
    match operation:
        case Increment(_, by):
            return one.SUM, one.IS_WHOLE, {"by": str(by)}
        case Append(_, item):
            return one.APPENDED, one.IS_LIST, {"item": item}
        case CompareAndSet(_, expected, value):
            return one.SET, one.IS_EXPECTED, {"expected": expected, "value": value}


def refusal_of(rows: list[Any]) -> Refusal:
    has_ended, new_has_ended, new_expires, is_held, known, *header = rows[0][:11]
    texts = {row[11]: row[12] for row in rows if row[11] is not None}
    found = None if header[0] is None else tuple(header)
    return Refusal(has_ended, new_has_ended, new_expires, is_held, found, tuple((known or "").split()), texts)


def place_of(row: Any) -> str:
    snapshot, own, last = row[:3]
    return f"{snapshot}/{own}/{last}"


def sets_and_conditions(change: Change, *, rotates: bool) -> tuple[str, str]:
    """Return the assignments of the header's UPDATE, and the conditions that a change needs."""
    sets = conditions = ""
    if change.lifetime:
        sets += one.LIFETIME
    if change.idempotency_key:
        sets, conditions = sets + one.REMEMBER_KEY, conditions + one.NEW_KEY
    if change.holder:
        conditions += one.HELD
    if rotates:
        sets, conditions = f"{sets}, key_hash = %(new)s", conditions + one.FREE
    if change.add:
        conditions += one.ADDABLE
    return sets, conditions
