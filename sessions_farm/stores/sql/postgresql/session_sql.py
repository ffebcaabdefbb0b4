"""Statements for PostgreSQL that change one session: one statement each, built of common table expressions.

``live`` is the header as the statement wrote it. Where a part reads existing rows (drops, sums, feeds, the variables
of a tombstone), LOCK is a statement of its own before it, in the same message. This closes a race: the snapshot of a
statement may be older than the lock on the header that it waited for, and would miss a variable that the other writer
put; the next statement takes its snapshot with the lock held.
"""

# S608: every name in braces is one of our tables, or a part of this module; what is given goes by parameters.
# ruff: noqa: S608
from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from sessions_farm.declarations import TERM_LIMIT
from sessions_farm.stores.base import IDEMPOTENCY_KEYS_KEPT, NEVER, TOUCH_FRACTION
from sessions_farm.stores.sql.dialect import (
    CHANGE,
    EVENT,
    HEADER,
    HEADER_OF_S,
    LEASE,
    SESSION,
    TOMBSTONE,
    VARIABLE,
)

if TYPE_CHECKING:
    from sessions_farm.stores.sql.followers import FollowingTable

WHOLE = "'^-?[0-9]+$'"

READ = f"""
SELECT t.grace_until_ms, t.final_variables, {HEADER_OF_S}, v.name, v.value, t.successor
FROM (SELECT %(key)s::text AS key_hash) k
LEFT JOIN {TOMBSTONE} t ON t.key_hash = k.key_hash
LEFT JOIN {SESSION} s ON s.key_hash = k.key_hash
LEFT JOIN {VARIABLE} v ON v.session_id = s.id
"""
# A touch waits for nobody: whoever holds the row's lock is writing the session, and so touches it.
TOUCH_FREE = f"""
free AS (
  SELECT id FROM {SESSION} WHERE key_hash = %(key)s::text AND expires_ms > %(now)s::bigint {{condition}}
  FOR UPDATE SKIP LOCKED
), touched AS (
  UPDATE {SESSION} s SET seen_ms = %(now)s::bigint, expires_ms = LEAST(%(now)s::bigint + s.idle_ms, s.ends_ms)
  FROM free WHERE s.id = free.id
)"""
# Extends the time-out where that is due. The load's snapshot does not see it, so the caller adds it to the header.
LOAD = f"""
WITH {TOUCH_FREE.format(condition=f"AND %(now)s::bigint - seen_ms >= idle_ms / {TOUCH_FRACTION}")}
{READ}"""
LOCK = f"SELECT 1 FROM {SESSION} WHERE key_hash = %(key)s FOR UPDATE"
LOCK_LEASE = f"SELECT 1 FROM {LEASE} WHERE name = %(key)s AND token = %(holder)s FOR SHARE"
CREATE = f"""
INSERT INTO {SESSION} (key_hash, {HEADER}, due_ms, idempotency_keys)
SELECT %(key)s::text, %(now)s::bigint, %(now)s::bigint, %(idle)s::bigint, %(expires)s::bigint, %(ends)s::bigint, 1,
  %(expires)s::bigint, ''
WHERE NOT EXISTS (SELECT 1 FROM {TOMBSTONE} WHERE key_hash = %(key)s::text)
ON CONFLICT (key_hash) DO NOTHING
RETURNING id, key_hash, {HEADER}
"""
EXTENDED = "LEAST(%(now)s + COALESCE(%(idle)s::bigint, idle_ms), COALESCE(%(ends)s::bigint, ends_ms))"
# Optimistic concurrency: the update takes place if its conditions hold; else REFUSAL reads the obstacle.
APPLY = f"""
UPDATE {SESSION} SET
  seen_ms = %(now)s, version = version + 1, expires_ms = {EXTENDED} {{sets}}
WHERE key_hash = %(key)s AND expires_ms > %(now)s
  AND NOT EXISTS (SELECT 1 FROM {TOMBSTONE} WHERE key_hash = %(key)s) {{conditions}}
RETURNING id, key_hash, {HEADER}
"""
LIFETIME = f"""
, idle_ms = COALESCE(%(idle)s, idle_ms), ends_ms = COALESCE(%(ends)s, ends_ms), due_ms = LEAST(due_ms, {EXTENDED})"""
REMEMBER_KEY = (
    ", idempotency_keys = array_to_string((string_to_array(%(idempotency_key)s::text || ' ' || idempotency_keys, ' '))"
    f"[1:{IDEMPOTENCY_KEYS_KEPT}], ' ')"
)
# Deduplicates: a retry that carries a known key finds nothing to update.
NEW_KEY = "AND NOT %(idempotency_key)s::text = ANY(string_to_array(idempotency_keys, ' '))"
HELD = f"AND EXISTS (SELECT 1 FROM {LEASE} WHERE name = %(key)s AND token = %(holder)s AND until_ms > %(now)s)"
FREE = f"""
AND NOT EXISTS (SELECT 1 FROM {TOMBSTONE} WHERE key_hash = %(new)s)
AND NOT EXISTS (SELECT 1 FROM {SESSION} WHERE key_hash = %(new)s)"""
ADDABLE = f"""
AND NOT EXISTS (
  SELECT 1 FROM {VARIABLE} v WHERE v.session_id = {SESSION}.id AND v.name = ANY(%(add)s::text[]) AND v.value !~ {WHOLE}
)"""

# The new variables: names and texts, given or computed of the present ones.
PUTS = "SELECT name, value FROM unnest(%(put)s::text[], %(texts)s::text[]) AS given(name, value)"
SUMS = f"""
SELECT a.name, CASE WHEN COALESCE(v.value, '0') ~ {WHOLE} THEN (COALESCE(v.value, '0')::numeric + a.by)::text END
FROM live CROSS JOIN unnest(%(add)s::text[], %(by)s::numeric[]) AS a(name, by)
LEFT JOIN {VARIABLE} v ON v.session_id = live.id AND v.name = a.name"""
TERM = f"""
CASE WHEN fresh.name = ANY(%(indexed)s::text[]) THEN
  CASE WHEN octet_length(fresh.value) <= {TERM_LIMIT} THEN fresh.value
  ELSE 'sha256:' || encode(sha256(convert_to(fresh.value, 'UTF8')), 'hex') END
END"""
PUT = f"""
put AS (
  INSERT INTO {VARIABLE} (session_id, name, value, term)
  SELECT live.id, fresh.name, fresh.value, {TERM} FROM live, fresh
  ON CONFLICT (session_id, name) DO UPDATE SET value = excluded.value, term = excluded.term
)"""
DROPPED = f"""
dropped AS (
  DELETE FROM {VARIABLE} v USING live WHERE v.session_id = live.id AND {{which}} RETURNING v.name
)"""
THESE = "v.name = ANY(%(drop)s::text[])"
ALL_BUT_PUT = "NOT v.name = ANY(%(put)s::text[])"
FEED_OF_PUT = f"""
feed_of_put AS (
  INSERT INTO {CHANGE} (name, key_hash, text, at_ms, transaction_id)
  SELECT fresh.name, live.key_hash, fresh.value, %(now)s, pg_current_xact_id()::text::bigint
  FROM live CROSS JOIN fresh LEFT JOIN {VARIABLE} v ON v.session_id = live.id AND v.name = fresh.name
  WHERE live.ends_ms < {NEVER} AND fresh.name = ANY(%(shared)s::text[]) AND v.value IS DISTINCT FROM fresh.value
)"""
FEED_OF_DROP = f"""
feed_of_drop AS (
  INSERT INTO {CHANGE} (name, key_hash, text, at_ms, transaction_id)
  SELECT dropped.name, live.key_hash, NULL, %(now)s, pg_current_xact_id()::text::bigint FROM live, dropped
  WHERE live.ends_ms < {NEVER} AND dropped.name = ANY(%(shared)s::text[])
)"""
STARTED = f"""
event AS (
  INSERT INTO {EVENT} (kind, key_hash, at_ms, reason, other, shared)
  SELECT 'started', live.key_hash, %(now)s, '', '', '{{}}' FROM live WHERE live.ends_ms < {NEVER}
)"""
ROTATED = f"""
event AS (
  INSERT INTO {EVENT} (kind, key_hash, at_ms, reason, other, shared)
  SELECT 'rotated', %(key)s, %(now)s, '', live.key_hash, '{{}}' FROM live WHERE live.ends_ms < {NEVER}
)"""
LEAVE_TOMBSTONE = f"""
tombstone AS (
  INSERT INTO {TOMBSTONE} (key_hash, reason, at_ms, until_ms, grace_until_ms, final_variables, successor)
  SELECT %(key)s, 'rotated', %(now)s, %(until)s, %(grace)s,
         COALESCE((SELECT json_object_agg(name, value)::text FROM {VARIABLE} WHERE session_id = live.id), '{{}}'),
         %(successor)s
  FROM live
  ON CONFLICT (key_hash) DO NOTHING
)"""
HEADER_OF_LIVE = "live.key_hash, " + ", ".join(f"live.{name}" for name in HEADER.split(", "))

# Of modify: the present text, the computation of the new one, and its conditions.
OLD = f"""
old AS (
  SELECT v.value FROM {VARIABLE} v JOIN {SESSION} s ON s.id = v.session_id
  WHERE s.key_hash = %(key)s AND v.name = %(name)s
)"""
SUM = f"""
SELECT %(name)s::text AS name, (
  SELECT CASE WHEN max(value) IS NULL OR max(value) ~ {WHOLE}
         THEN (COALESCE(max(value), '0')::numeric + %(by)s::numeric)::text END FROM old
) AS value"""
APPENDED = """
SELECT %(name)s::text AS name, (
  SELECT CASE WHEN COALESCE(max(value), '[]') = '[]' THEN '[' || %(item)s::text || ']'
         ELSE left(max(value), -1) || ',' || %(item)s::text || ']' END FROM old
) AS value"""
SET = "SELECT %(name)s::text AS name, %(value)s::text AS value"
IS_WHOLE = f"AND NOT EXISTS (SELECT 1 FROM old WHERE value !~ {WHOLE})"
IS_LIST = "AND NOT EXISTS (SELECT 1 FROM old WHERE left(value, 1) <> '[')"
IS_EXPECTED = "AND (SELECT value FROM old) IS NOT DISTINCT FROM %(expected)s::text"

REFUSAL = f"""
SELECT EXISTS (SELECT 1 FROM {TOMBSTONE} WHERE key_hash = %(key)s),
       EXISTS (SELECT 1 FROM {TOMBSTONE} WHERE key_hash = %(new)s),
       (SELECT expires_ms FROM {SESSION} WHERE key_hash = %(new)s),
       EXISTS (SELECT 1 FROM {LEASE} WHERE name = %(key)s AND token = %(holder)s AND until_ms > %(now)s),
       s.idempotency_keys, {HEADER_OF_S}, v.name, v.value
FROM (SELECT 1) one
LEFT JOIN {SESSION} s ON s.key_hash = %(key)s AND s.expires_ms > %(now)s
LEFT JOIN {VARIABLE} v ON v.session_id = s.id AND v.name = ANY(%(names)s::text[])
"""
TOUCH = f"""
WITH {TOUCH_FREE.format(condition="")}
SELECT key_hash FROM {SESSION} WHERE key_hash = %(key)s AND expires_ms > %(now)s
AND NOT EXISTS (SELECT 1 FROM {TOMBSTONE} WHERE key_hash = %(key)s)
"""


@lru_cache(maxsize=256)
def statement(head: str, *parts: str) -> str:
    """Return a statement of a head, which writes the header, and of parts; it answers the session's row."""
    return f"WITH {', '.join([f'live AS ({head})', *parts])} SELECT {HEADER_OF_LIVE} FROM live"


@lru_cache(maxsize=64)
def apply(sets: str, conditions: str) -> str:
    """Return the conditional UPDATE of a header."""
    return APPLY.format(sets=sets, conditions=conditions)


@lru_cache(maxsize=16)
def follow(tables: tuple[FollowingTable, ...]) -> tuple[str, ...]:
    """Return the parts that copy the rows of following tables to the key that ``live`` has now."""
    new, old, only_if_moved = "(SELECT key_hash FROM live)", "%(key)s", "AND EXISTS (SELECT 1 FROM live)"
    return tuple(f"follower{number} AS ({table.copy(new, old, only_if_moved)})" for number, table in enumerate(tables))
