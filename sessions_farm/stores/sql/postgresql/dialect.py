"""The ``database`` store's steps in PostgreSQL: each is one trip, whatever it does."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from sessions_farm.stores.base import Append, Change, CompareAndSet, Increment, Operation
from sessions_farm.stores.sql import dialect
from sessions_farm.stores.sql.dialect import Known, Refusal, term_of
from sessions_farm.stores.sql.effects import Reply, Trip
from sessions_farm.stores.sql.postgresql import many_sql as many
from sessions_farm.stores.sql.postgresql import one_sql as one
from sessions_farm.stores.sql.postgresql.waits import Wait, channel_of


class Postgres:
    def __init__(self, alias: str, known: Known) -> None:
        self._alias = alias
        self._known = known
        self._common = {"shared": list(known.shared), "indexed": list(known.indexed)}

    def load(self, key: str, now: int) -> Trip:
        return Trip(self._alias, (one.LOAD,), {"key": key, "now": now}, is_frequent=True)

    def create(self, key: str, variables: Mapping[str, str], header: tuple[int, ...], now: int, *, over: bool) -> Trip:
        parts = [*self._puts(variables), *([one.STARTED] if self._known.events else [])]
        statements = [one.statement(one.CREATE, *parts)]
        if over:
            statements.insert(0, self._making_room("key"))
        given = {"key": key, "idle": header[2], "expires": header[3], "ends": header[4]}
        return self._trip(*statements, **given, **arrays_of(Change(put=variables)), now=now)

    def apply(self, key: str, change: Change, now: int) -> Trip:
        return self._write(key, key, change, now, [], {})

    def rotate(self, old: str, new: str, change: Change, now: int, grace: int, *, over: bool) -> Trip:
        parts = [one.ENTOMBED, one.CARRIED, *([one.ROTATED] if self._known.events else [])]
        given = {"until": now + self._known.grave_ms, "grace": now + grace}
        trip = self._write(old, new, change, now, parts, given)
        return replace(trip, statements=(self._making_room("new"), *trip.statements)) if over else trip

    def modify(self, key: str, operation: Operation, now: int, idempotency_key: str) -> Trip:
        fresh, condition, given = made_of(operation)
        drops = isinstance(operation, CompareAndSet) and operation.value is None
        sets, conditions = (one.REMEMBERED, f"{condition} {one.NOT_DONE}") if idempotency_key else ("", condition)
        parts = [one.DROPPED.format(which="v.name = %(name)s")] if drops else [f"fresh AS ({fresh})", one.PUT]
        if operation.name in self._known.shared:
            parts.append(one.NEWS_OF_DROP if drops else one.NEWS_OF_PUT)
        answer = f"{one.HEADER_OF_LIVE}, {'NULL FROM live' if drops else 'fresh.value FROM live, fresh'}"
        head = f"{one.OLD}, live AS ({one.apply(sets, conditions)})"
        statement = f"WITH {head}, {', '.join(parts)} SELECT {answer}"
        given |= {"key": key, "name": operation.name, "idempotency_key": idempotency_key, "idle": None, "ends": None}
        return self._trip(one.LOCK, statement, **given, now=now)

    def refusal(self, key: str, new: str, change: Change, names: Collection[str], now: int) -> Reply:
        given = {"key": key, "new": new, "holder": change.holder, "names": list(names)}
        return Reply(self._trip(one.REFUSAL, **given, now=now), refusal_of)

    def touch(self, key: str, now: int) -> Trip:
        return self._trip(one.TOUCH, key=key, now=now)

    def delete(self, key: str, reason: str, now: int) -> Trip:
        statement = many.ending(many.DELETE, many.BURIED_ALONE, told=self._told(many.ENDED))
        return self._trip(one.LOCK, statement, key=key, reason=reason, now=now, until=now + self._known.grave_ms)

    def get_many(self, keys: Collection[str], now: int) -> Trip:
        return self._trip(many.LOOK, keys=list(keys), now=now)

    def find(self, values: Mapping[str, str], now: int, limit: int) -> Trip:
        given: dict[str, Any] = {}
        for number, (name, text) in enumerate(values.items()):
            given |= {f"name{number}": name, f"term{number}": term_of(text)}
        return self._trip(many.find(len(values)), **given, now=now, limit=limit)

    def end_where(self, name: str, text: str, spare: str, reason: str, now: int) -> Trip:
        statement = many.ending(many.END_WHERE, many.BURIED, told=self._told(many.ENDED))
        given = {"name": name, "term": term_of(text), "spare": spare, "reason": reason}
        return self._trip(many.LOCK_WHERE, statement, **given, now=now, until=now + self._known.grave_ms)

    def sweep(self, kind: str, now: int, limit: int) -> Trip:
        if kind == "sessions":
            told = f", {many.EXPIRED}" if self._known.events else ""
            statement = many.SWEEP_SESSIONS.format(told=told)
        elif kind == "words":
            statement = many.FORGET_WORDS
        elif kind == "feeds":
            statement = many.TRIM_FEEDS
        else:
            table, key, condition = many.SWEEP[kind]
            statement = many.DELETE_BATCH.format(table=table, key=key, condition=condition)
        return self._trip(statement, now=now, limit=limit)

    def crowd(self, now: int, limit: int) -> Trip:
        told = f", {many.CROWDED}" if self._known.events else ""
        return self._trip(many.CROWD.format(told=told), most=self._known.max_live, now=now, limit=limit)

    def read_events(self, limit: int) -> Trip:
        return self._trip(f"{dialect.READ_EVENTS} FOR UPDATE SKIP LOCKED", limit=limit)

    def forget_events(self, ids: Collection[int]) -> Trip:
        return self._trip(many.FORGET_EVENTS, ids=list(ids))

    def read_changes(self, name: str, after: str) -> Reply:
        """A place: snapshot, own transaction, its last change; with ``/`` between them."""
        if not after:
            return Reply(self._trip(many.PLACE, name=name), lambda rows: (place_of(rows[0]), []))
        snapshot, own, last = after.split("/")
        given = {"snapshot": snapshot, "lowest": int(snapshot.split(":")[0]), "own": int(own), "last": int(last)}
        return Reply(
            self._trip(many.READ_CHANGES, name=name, **given),
            lambda rows: (place_of(rows[0]), [row[3:] for row in rows if row[3] is not None]),
        )

    def release(self, name: str, token: str) -> Trip:
        statement = f"WITH gone AS ({dialect.RELEASE}) SELECT until_ms, pg_notify(%(channel)s, '') FROM gone"  # noqa: S608 -- of our own parts
        return self._trip(statement, name=name, token=token, channel=channel_of(name))

    def wait(self, name: str, seconds: float) -> Wait:
        return Wait(self._alias, name, seconds)

    def ask(self, statement: str, **given: Any) -> Trip:
        return self._trip(statement, **given)

    def _write(self, old: str, new: str, change: Change, now: int, parts: list[str], given: dict[str, Any]) -> Trip:
        sets = (one.LIFETIME if change.lifetime else "") + (one.REMEMBERED if change.idempotency_key else "")
        conditions = (one.NOT_DONE if change.idempotency_key else "") + (one.HELD if change.holder else "")
        statements = [one.LOCK_LEASE] if change.holder else []
        if old != new:
            sets, conditions = f"{sets}, key_hash = %(new)s", f"{conditions}{one.FREE}"
        if change.add:
            conditions += one.ADDABLE
        looks_back = change.drop or change.replace or change.add or not change.put.keys().isdisjoint(self._known.shared)
        if old != new or looks_back:
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
        return self._trip(*statements, **given, **arrays_of(change), holder=change.holder, now=now)

    def _puts(self, put: Mapping[str, str], add: Mapping[str, int] | None = None) -> list[str]:
        sources = [*([one.PUTS] if put else []), *([one.SUMS] if add else [])]
        if not sources:
            return []
        parts = [f"fresh(name, value) AS ({' UNION ALL '.join(sources)})", one.PUT]
        names = {*put, *(add or ())}
        return [*parts, one.NEWS_OF_PUT] if names.intersection(self._known.shared) else parts

    def _drops(self, change: Change) -> list[str]:
        if not change.drop and not change.replace:
            return []
        parts = [one.DROPPED.format(which=one.ALL_BUT_PUT if change.replace else one.THESE)]
        tells = self._known.shared if change.replace else set(change.drop).intersection(self._known.shared)
        return [*parts, one.NEWS_OF_DROP] if tells else parts

    def _making_room(self, key: str) -> str:
        """End what has expired under a key (the parameter's name) and was not swept yet."""
        return many.ending(many.DELETE_EXPIRED.format(key=key), told=self._told(many.EXPIRED))

    def _told(self, event: str) -> str:
        return event if self._known.events else ""

    def _trip(self, *statements: str, **given: Any) -> Trip:
        return Trip(self._alias, statements, self._common | given)


def arrays_of(change: Change) -> dict[str, list[Any]]:
    names, texts = list(change.put.keys()), list(change.put.values())
    adds, sums = list(change.add.keys()), [str(by) for by in change.add.values()]
    return {"put": names, "texts": texts, "drop": list(change.drop), "add": adds, "by": sums}


def made_of(operation: Operation) -> tuple[str, str, dict[str, Any]]:
    """What makes the new text, when it may be made, and the parameters of both."""
    match operation:
        case Increment(_, by):
            return one.SUM, one.IS_WHOLE, {"by": str(by)}
        case Append(_, item):
            return one.LONGER, one.IS_LIST, {"item": item}
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
