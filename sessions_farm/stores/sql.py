"""The SQL of the ``database`` store: written once, for PostgreSQL and SQLite."""

from __future__ import annotations

from django.db.backends.base.base import BaseDatabaseWrapper

from sessions_farm.models import OneUseCode, Session, Tombstone, Variable
from sessions_farm.stores.base import TOUCH_FRACTION

SESSION = Session._meta.db_table
VARIABLE = Variable._meta.db_table
TOMBSTONE = Tombstone._meta.db_table
CODE = OneUseCode._meta.db_table
HEADER = "created_ms, seen_ms, idle_ms, expires_ms, ends_ms, version"

LOAD = f"""
SELECT t.grace_until_ms, t.last_words, s.created_ms, s.seen_ms, s.idle_ms, s.expires_ms, s.ends_ms, s.version,
       v.name, v.value
FROM (SELECT %s AS key_hash) k
LEFT JOIN {TOMBSTONE} t ON t.key_hash = k.key_hash
LEFT JOIN {SESSION} s ON s.key_hash = k.key_hash
LEFT JOIN {VARIABLE} v ON v.session_id = s.id
"""  # noqa: S608 -- the names are our tables'

# PostgreSQL: a load that slides the time-out where that is due, in one statement. The load's own snapshot does not see
# the touch, so its caller adds it to the header. %s: now, now, key, now, now, key.
LOAD_AND_TOUCH = f"""
WITH touched AS (
  UPDATE {SESSION} SET seen_ms = %s, expires_ms = LEAST(%s + idle_ms, ends_ms)
  WHERE key_hash = %s AND expires_ms > %s AND %s - seen_ms >= idle_ms / {TOUCH_FRACTION}
)
{LOAD}"""  # noqa: S608 -- as above

# now, key, …: a header in one statement; {tail} is what each dialect does with the row that comes back.
CREATE = f"""
INSERT INTO {SESSION} (key_hash, {HEADER})
SELECT %s, %s, %s, %s, %s, %s, 1
WHERE NOT EXISTS (SELECT 1 FROM {TOMBSTONE} WHERE key_hash = %s)
ON CONFLICT (key_hash) DO NOTHING
RETURNING id, {HEADER}
"""  # noqa: S608 -- as above

APPLY = f"""
UPDATE {SESSION} SET
  seen_ms = %s,
  idle_ms = COALESCE(%s, idle_ms),
  ends_ms = COALESCE(%s, ends_ms),
  expires_ms = CASE WHEN %s + COALESCE(%s, idle_ms) < COALESCE(%s, ends_ms)
               THEN %s + COALESCE(%s, idle_ms) ELSE COALESCE(%s, ends_ms) END,
  version = version + 1,
  key_hash = %s
WHERE key_hash = %s AND expires_ms > %s
  AND NOT EXISTS (SELECT 1 FROM {TOMBSTONE} WHERE key_hash IN (%s, %s))
RETURNING id, {HEADER}
"""  # noqa: S608 -- as above

TOUCH = f"UPDATE {SESSION} SET seen_ms = %s, expires_ms = %s WHERE key_hash = %s AND version = %s"  # noqa: S608
TOUCH_LIVE = f"""
UPDATE {SESSION} SET seen_ms = %s, expires_ms = CASE WHEN %s + idle_ms < ends_ms THEN %s + idle_ms ELSE ends_ms END
WHERE key_hash = %s AND expires_ms > %s AND NOT EXISTS (SELECT 1 FROM {TOMBSTONE} WHERE key_hash = %s)
"""  # noqa: S608 -- as above
BURY = f"""
INSERT INTO {TOMBSTONE} (key_hash, reason, at_ms, until_ms, grace_until_ms, last_words)
VALUES (%s, %s, %s, %s, 0, '')
ON CONFLICT (key_hash) DO UPDATE SET grace_until_ms = 0, last_words = ''
"""  # noqa: S608 -- as above
REMOVE = f"DELETE FROM {SESSION} WHERE key_hash = %s"  # noqa: S608 -- as above
REMOVE_EXPIRED = f"DELETE FROM {SESSION} WHERE key_hash = %s AND expires_ms <= %s"  # noqa: S608 -- as above
PUT_CODE = f"""
INSERT INTO {CODE} (digest, payload, expires_ms) VALUES (%s, %s, %s) ON CONFLICT (digest) DO NOTHING RETURNING digest
"""  # noqa: S608 -- as above
TAKE_CODE = f"DELETE FROM {CODE} WHERE digest = %s RETURNING payload, expires_ms"  # noqa: S608 -- as above
PUT_ONE = f"""
INSERT INTO {VARIABLE} (session_id, name, value) VALUES (%s, %s, %s)
ON CONFLICT (session_id, name) DO UPDATE SET value = excluded.value
"""  # noqa: S608 -- as above
READ_ONE = f"SELECT value FROM {VARIABLE} WHERE session_id = %s AND name = %s"  # noqa: S608 -- as above
READ_ALL = f"SELECT name, value FROM {VARIABLE} WHERE session_id = %s"  # noqa: S608 -- as above
ENTOMB = f"""
INSERT INTO {TOMBSTONE} (key_hash, reason, at_ms, until_ms, grace_until_ms, last_words)
VALUES (%s, 'rotated', %s, %s, %s, %s)
ON CONFLICT (key_hash) DO NOTHING
"""  # noqa: S608 -- as above

# PostgreSQL: header and variables in one statement, and so in one trip; {head} is CREATE or APPLY.
PUT = f"""
put AS (
  INSERT INTO {VARIABLE} (session_id, name, value)
  SELECT live.id, v.name, v.value FROM live, unnest(%s::text[], %s::text[]) AS v(name, value)
  ON CONFLICT (session_id, name) DO UPDATE SET value = excluded.value
)"""  # noqa: S608 -- as above
DROP = f"""
gone AS (
  DELETE FROM {VARIABLE} v USING live
  WHERE v.session_id = live.id AND (v.name = ANY(%s::text[]) OR %s AND NOT v.name = ANY(%s::text[]))
)"""  # noqa: S608 -- as above
BURY_WITH_LAST_WORDS = f"""
tomb AS (
  INSERT INTO {TOMBSTONE} (key_hash, reason, at_ms, until_ms, grace_until_ms, last_words)
  SELECT %s, 'rotated', %s, %s, %s,
         COALESCE((SELECT json_object_agg(name, value)::text FROM {VARIABLE} WHERE session_id = live.id), '{{{{}}}}')
  FROM live
  ON CONFLICT (key_hash) DO NOTHING
)"""  # noqa: S608 -- as above
WITH_PUTS = f"WITH live AS ({{head}}), {PUT} SELECT * FROM live"  # noqa: S608 -- as above
WITH_CHANGES = f"WITH live AS ({{head}}), {PUT}, {DROP} SELECT * FROM live"  # noqa: S608 -- as above
ROTATE = f"WITH live AS ({{head}}), {PUT}, {DROP}, {BURY_WITH_LAST_WORDS} SELECT * FROM live"  # noqa: S608 -- as above

# Drops and last words look at rows that are there already, and a statement's own snapshot may be older than the lock
# on the header that it waited for: it would miss a variable put meanwhile. So LOCK goes before those as a statement of
# its own, in the same trip and transaction; the next statement's snapshot is taken when the lock is held.
LOCK = f"SELECT 1 FROM {SESSION} WHERE key_hash = %s FOR UPDATE"  # noqa: S608 -- as above

BURY_AND_REMOVE = f"WITH tomb AS ({BURY}) {REMOVE}"


def batch(connection: BaseDatabaseWrapper, table: str, key: str, condition: str) -> str:
    """Delete at most %s rows; on PostgreSQL pass over those that somebody holds."""
    lock = "FOR UPDATE SKIP LOCKED" if connection.features.has_select_for_update_skip_locked else ""
    # S608: the names are our tables' and columns'
    return f"DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM {table} WHERE {condition} LIMIT %s {lock})"  # noqa: S608
