"""The session tables of the ``database`` and ``tiered`` stores.

Times of the session tables are Unix milliseconds (integers): the stores' raw SQL reads the same on PostgreSQL and
SQLite. Every ``key_hash`` is the keyed hash of an id (sessions_farm.session.ids); no id stands in any table.
"""

from __future__ import annotations

import datetime

from django.db import models
from django.db.models import Q

from sessions_farm.clock import NEVER

HASH_LENGTH = 43  # 256 bits in base64url


class Session(models.Model):
    """The header of a live session."""

    key_hash = models.CharField(max_length=HASH_LENGTH, unique=True)
    created_ms = models.BigIntegerField()
    seen_ms = models.BigIntegerField(help_text="Moved at most each tenth of the idle time-out.")
    idle_ms = models.BigIntegerField(help_text="The time-out without a request.")
    expires_ms = models.BigIntegerField()
    ends_ms = models.BigIntegerField(help_text="The absolute time-out.")
    version = models.BigIntegerField(default=1, help_text="Raised by every write.")
    # Each touch moves expires_ms, and PostgreSQL writes every index anew for a row of which one indexed column moved
    # (no "heap only" update). So the sweeper has an indexed column of its own, which only it moves: never later than
    # expires_ms, to which the sweeper postpones a session that was seen since.
    due_ms = models.BigIntegerField(default=0, db_index=True, help_text="When the sweeper examines it next.")
    idempotency_keys = models.TextField(default="", help_text="Of the latest changes, which may arrive twice.")

    class Meta:
        indexes = [models.Index(fields=["id"], condition=Q(ends_ms__gte=NEVER), name="session_of_scope")]

    def __str__(self) -> str:
        return f"{self.key_hash[:8]}…"

    @property
    def created_at(self) -> datetime.datetime:
        return as_time(self.created_ms)

    @property
    def seen_at(self) -> datetime.datetime:
        return as_time(self.seen_ms)

    @property
    def expires_at(self) -> datetime.datetime:
        return as_time(min(self.expires_ms, self.ends_ms))


class Variable(models.Model):
    """One named value of a session, as JSON text."""

    session = models.ForeignKey(Session, models.DB_CASCADE, related_name="variables", db_index=False)
    name = models.CharField(max_length=200)
    value = models.TextField()
    term = models.CharField(max_length=100, null=True, help_text="Of indexed variables: the value to find them by.")

    class Meta:
        constraints = [models.UniqueConstraint("session", "name", name="variable_of_session_once")]
        indexes = [
            models.Index(fields=["name", "term", "session"], condition=Q(term__isnull=False), name="variable_by_term")
        ]

    def __str__(self) -> str:
        return self.name


class Tombstone(models.Model):
    """A key that never lives again; kept until every cookie with its id has expired."""

    key_hash = models.CharField(max_length=HASH_LENGTH, primary_key=True)
    reason = models.CharField(max_length=16)
    at_ms = models.BigIntegerField()
    until_ms = models.BigIntegerField(db_index=True)
    grace_until_ms = models.BigIntegerField(default=0)
    final_variables = models.TextField(
        default="", help_text="The variables at rotation, readable during the grace only."
    )
    successor = models.CharField(
        max_length=200, db_default="", help_text="The id that the session moved to, sealed, for the grace."
    )

    class Meta:
        indexes = [models.Index(fields=["grace_until_ms"], condition=~Q(final_variables=""), name="tombstone_in_grace")]

    def __str__(self) -> str:
        return f"{self.key_hash[:8]}… {self.reason}"


class OneUseCode(models.Model):
    """A hand-off code, to be redeemed once."""

    digest = models.CharField(max_length=64, primary_key=True)
    payload = models.TextField()
    expires_ms = models.BigIntegerField(db_index=True)

    def __str__(self) -> str:
        return f"{self.digest[:8]}…"


class OutboxEvent(models.Model):
    """An event of a session that is pending: not delivered yet (stores.base.Event)."""

    kind = models.CharField(max_length=8)
    key_hash = models.CharField(max_length=HASH_LENGTH)
    at_ms = models.BigIntegerField()
    reason = models.CharField(max_length=16, default="")
    other = models.CharField(max_length=HASH_LENGTH, default="")
    shared = models.TextField(default="{}")

    def __str__(self) -> str:
        return f"{self.key_hash[:8]}… {self.kind}"


class SharedChange(models.Model):
    """The change of a shared variable of a session (stores.base.VariableChange); the latest ones are kept."""

    name = models.CharField(max_length=200)
    key_hash = models.CharField(max_length=HASH_LENGTH)
    text = models.TextField(null=True)
    at_ms = models.BigIntegerField(db_index=True)
    transaction_id = models.BigIntegerField(
        default=0, help_text="PostgreSQL's: ids do not follow each other as commits do."
    )

    class Meta:
        indexes = [models.Index(fields=["name", "transaction_id", "id"], name="shared_change_of_name")]

    def __str__(self) -> str:
        return f"{self.name} of {self.key_hash[:8]}…"


class Lease(models.Model):
    """The lease of a name: the holder's token, and its end."""

    name = models.CharField(max_length=100, primary_key=True)
    token = models.CharField(max_length=64)
    until_ms = models.BigIntegerField(db_index=True)

    def __str__(self) -> str:
        return self.name


class Tier(models.Model):
    """The one row with the epoch of valid copies in Redis (see stores/tiered)."""

    epoch = models.BigIntegerField(default=1, help_text="Copies of an older epoch are misses.")
    redis_run = models.CharField(max_length=64, default="", help_text="The Redis process that the copies are in.")

    def __str__(self) -> str:
        return str(self.epoch)


def as_time(milliseconds: int) -> datetime.datetime:
    """Return the UTC time of Unix milliseconds."""
    return datetime.datetime.fromtimestamp(milliseconds / 1000, tz=datetime.UTC)
