"""Statements for PostgreSQL over many sessions, the outbox and the feed."""

# S608: every name in braces is one of our tables, or a part of this module; what is given goes by parameters.
# ruff: noqa: S608
from __future__ import annotations

from functools import lru_cache

from sessions_farm.declarations import OWNER
from sessions_farm.stores.base import NEVER
from sessions_farm.stores.sql.dialect import (
    CHANGE,
    CODE,
    EVENT,
    FEED_LENGTH,
    FEED_MS,
    HEADER_OF_S,
    LEASE,
    SESSION,
    TOMBSTONE,
    VARIABLE,
)

SHARED_OF = f"""
(SELECT json_object_agg(v.name, v.value)::text FROM {VARIABLE} v
 WHERE v.session_id = {{of}}.id AND v.name = ANY(%(shared)s::text[]))"""

# Parts of every statement that ends the sessions ``gone``. The foreign key removes their variables.
TOMBSTONES = f"""
tombstones AS (
  INSERT INTO {TOMBSTONE} (key_hash, reason, at_ms, until_ms, grace_until_ms, final_variables)
  SELECT key_hash, %(reason)s, %(now)s, %(until)s, 0, '' FROM gone
  ON CONFLICT (key_hash) DO UPDATE SET grace_until_ms = 0, final_variables = '', successor = ''
)"""
ENDED_EVENTS = f"""
events AS (
  INSERT INTO {EVENT} (kind, key_hash, at_ms, reason, other, shared)
  SELECT 'ended', gone.key_hash, %(now)s, {{reason}}, '', COALESCE({SHARED_OF.format(of="gone")}, '{{{{}}}}')
  FROM gone WHERE gone.ends_ms < {NEVER}
)"""
ENDED = ENDED_EVENTS.format(reason="%(reason)s")
EXPIRED = ENDED_EVENTS.format(reason="'expired'")
EVICTED = ENDED_EVENTS.format(reason="'evicted'")

DELETE = f"gone AS (DELETE FROM {SESSION} WHERE key_hash = %(key)s RETURNING id, key_hash, ends_ms)"
# A key without a session gets a tombstone too. The dictionary of a scope gets none: it may be made again.
TOMBSTONE_OF_KEY = f"""
tombstones AS (
  INSERT INTO {TOMBSTONE} (key_hash, reason, at_ms, until_ms, grace_until_ms, final_variables)
  SELECT %(key)s, %(reason)s, %(now)s, %(until)s, 0, ''
  WHERE NOT EXISTS (SELECT 1 FROM gone WHERE ends_ms >= {NEVER})
  ON CONFLICT (key_hash) DO UPDATE SET grace_until_ms = 0, final_variables = '', successor = ''
)"""
DELETE_EXPIRED = f"""
gone AS (
  DELETE FROM {SESSION} WHERE key_hash = %({{key}})s AND expires_ms <= %(now)s RETURNING id, key_hash, ends_ms
)"""

# Locks come first and in one order, against deadlocks; the next statement sees the rows as the locks left them.
LOCK_WHERE = f"""
SELECT 1 FROM {SESSION} s
WHERE s.id IN (SELECT session_id FROM {VARIABLE} WHERE name = %(name)s AND term = %(term)s)
  AND s.key_hash <> %(spare)s AND s.expires_ms > %(now)s AND s.ends_ms < {NEVER}
ORDER BY s.id FOR UPDATE"""
END_WHERE = f"""
gone AS (
  DELETE FROM {SESSION} s USING {VARIABLE} v
  WHERE v.session_id = s.id AND v.name = %(name)s AND v.term = %(term)s
    AND s.key_hash <> %(spare)s AND s.expires_ms > %(now)s AND s.ends_ms < {NEVER}
  RETURNING s.id, s.key_hash, s.ends_ms
)"""

LIVE = f"""
s.expires_ms > %(now)s AND s.ends_ms < {NEVER}
AND NOT EXISTS (SELECT 1 FROM {TOMBSTONE} t WHERE t.key_hash = s.key_hash)"""
FOUND = f"SELECT s.key_hash, {HEADER_OF_S}, {SHARED_OF.format(of='s')}"
GET_MANY = f"""
{FOUND} FROM {SESSION} s
WHERE s.key_hash = ANY(%(keys)s::text[]) AND {LIVE}"""

# A session that is due but was seen since is put off until its new expiry.
SWEEP_SESSIONS = f"""
WITH due AS (
  SELECT id, expires_ms FROM {SESSION} WHERE due_ms <= %(now)s ORDER BY due_ms LIMIT %(limit)s
  FOR UPDATE SKIP LOCKED
), later AS (
  UPDATE {SESSION} s SET due_ms = due.expires_ms FROM due WHERE s.id = due.id AND due.expires_ms > %(now)s
  RETURNING ''::text
), gone AS (
  DELETE FROM {SESSION} s USING due WHERE s.id = due.id AND due.expires_ms <= %(now)s
  RETURNING s.id, s.key_hash, s.ends_ms
){{events}}
SELECT key_hash FROM gone UNION ALL SELECT * FROM later
"""
# Evicts the anonymous sessions that were seen longest ago, without tombstones: an eviction of many would leave as many.
EVICT_OVER_LIMIT = f"""
WITH excess AS (
  SELECT LEAST(count(*) - %(most)s, %(limit)s) AS number FROM {SESSION}
  WHERE expires_ms > %(now)s AND ends_ms < {NEVER}
), evicted AS (
  SELECT s.id FROM {SESSION} s
  WHERE s.expires_ms > %(now)s AND s.ends_ms < {NEVER}
    AND NOT EXISTS (SELECT 1 FROM {VARIABLE} v WHERE v.session_id = s.id AND v.name = '{OWNER}')
  ORDER BY s.seen_ms LIMIT (SELECT GREATEST(number, 0) FROM excess) FOR UPDATE OF s SKIP LOCKED
), gone AS (
  DELETE FROM {SESSION} s USING evicted WHERE s.id = evicted.id RETURNING s.id, s.key_hash, s.ends_ms
){{events}}
SELECT key_hash FROM gone
"""
SWEEP = {
    "tombstones": (TOMBSTONE, "key_hash", "until_ms <= %(now)s"),
    "codes": (CODE, "digest", "expires_ms <= %(now)s"),
    "leases": (LEASE, "name", "until_ms <= %(now)s"),
    "changes": (CHANGE, "id", f"at_ms <= %(now)s - {FEED_MS}"),
}
DELETE_BATCH = """
WITH due AS (
  SELECT {key} FROM {table} WHERE {condition} LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), gone AS (
  DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM due) RETURNING 1
)
SELECT count(*) FROM gone
"""
CLEAR_FINAL_VARIABLES = f"""
WITH due AS (
  SELECT key_hash FROM {TOMBSTONE} WHERE final_variables <> '' AND grace_until_ms <= %(now)s LIMIT %(limit)s
  FOR UPDATE SKIP LOCKED
), cleared AS (
  UPDATE {TOMBSTONE} SET final_variables = '', successor = '' WHERE key_hash IN (SELECT key_hash FROM due) RETURNING 1
)
SELECT count(*) FROM cleared
"""
# Trims each variable's feed to FEED_LENGTH; ids follow time closely enough for that.
TRIM_FEEDS = f"""
WITH due AS (
  SELECT c.id FROM unnest(%(shared)s::text[]) AS feed(name) CROSS JOIN LATERAL (
    SELECT id FROM {CHANGE} WHERE name = feed.name
    ORDER BY transaction_id DESC, id DESC OFFSET {FEED_LENGTH} LIMIT %(limit)s
  ) c LIMIT %(limit)s
), gone AS (
  DELETE FROM {CHANGE} WHERE id IN (SELECT id FROM due) RETURNING 1
)
SELECT count(*) FROM gone
"""
FORGET_EVENTS = f"DELETE FROM {EVENT} WHERE id = ANY(%(ids)s::bigint[])"

# A place in a feed is PostgreSQL's own snapshot at the read. New changes are those not visible in it, in any order of
# the writers' commits. A snapshot leaves the reader's own transaction out, which seems committed in it once a later one
# is. So the place adds that transaction's id and its last change, and these alone decide on its changes.
PLACE = f"""
SELECT pg_current_snapshot()::text, own.id,
       COALESCE((SELECT max(id) FROM {CHANGE} WHERE name = %(name)s AND transaction_id = own.id), 0)
FROM (SELECT COALESCE(pg_current_xact_id_if_assigned()::text::bigint, 0) AS id) own
"""
READ_CHANGES = f"""
SELECT here.*, c.id, c.key_hash, c.text, c.at_ms FROM ({PLACE}) AS here(place, own, last)
LEFT JOIN {CHANGE} c ON c.name = %(name)s AND c.transaction_id >= %(lowest)s
  AND CASE WHEN c.transaction_id = %(own)s THEN c.id > %(last)s
      ELSE NOT pg_visible_in_snapshot(c.transaction_id::text::xid8, %(snapshot)s::pg_snapshot) END
ORDER BY c.id
"""


@lru_cache(maxsize=64)
def find(number: int) -> str:
    """Return the statement that finds sessions by ``number`` terms; any sessions by none."""
    joins = "".join(
        f" JOIN {VARIABLE} v{n} ON v{n}.session_id = s.id AND v{n}.name = %(name{n})s AND v{n}.term = %(term{n})s"
        for n in range(number)
    )
    return f"{FOUND} FROM {SESSION} s{joins} WHERE {LIVE} LIMIT %(limit)s"


def ending(gone: str, tombstones: str = "", *, events: str = "") -> str:
    """Return the statement that ends the sessions ``gone`` deletes; it answers their keys."""
    parts = [part for part in (gone, tombstones, events) if part]
    return f"WITH {', '.join(parts)} SELECT key_hash FROM gone"
