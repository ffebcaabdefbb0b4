"""Departments, the routes to them, and the outbox: dispatches, attempts and acknowledgements."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Self

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from shipping import encryption, states
from shipping.states import State


class Department(models.Model):
    """A vendor's shipping department."""

    vendor = models.OneToOneField("vendors.Vendor", models.CASCADE, related_name="+")
    name = models.CharField(max_length=100, default="Shipping")

    def __str__(self) -> str:
        return f"{self.name} of {self.vendor}"


class RouteQuerySet(models.QuerySet["Route"]):
    def with_due_work(self, now: datetime) -> Self:
        """Return enabled routes with due work and a circuit breaker that is not open, longest waiting first."""
        due = Dispatch.objects.due(now).filter(route=models.OuterRef("pk")).order_by("next_at").values("next_at")[:1]
        return (
            self.filter(state=Route.State.ENABLED)
            .filter(Q(open_until__isnull=True) | Q(open_until__lte=now))
            .annotate(due_since=models.Subquery(due))
            .filter(due_since__isnull=False)
            .order_by("due_since")
        )


class Route(models.Model):
    """The transport by which a department is reached, with its settings, secrets and circuit breaker.

    ====== ========================================================= ==================================================
    kind   config                                                    secrets
    ====== ========================================================= ==================================================
    http   url                                                       secret (``whsec_`` and base64 of 24 to 64 bytes),
                                                                     previous_secret while keys are changed
    email  to; smtp_host, smtp_port for a server of the vendor's     smtp_user, smtp_password for that server
           own, else the mall's mailer is used                       (needs STARTTLS and a valid certificate)
    sftp   host, port (22), user, folder (``inbox``), host_key (one  password, or private_key (OpenSSH's format)
           line, ``ssh-ed25519 AAAA…``)
    ====== ========================================================= ==================================================
    """

    class Transport(models.TextChoices):
        HTTP = "http", "signed HTTP request"
        EMAIL = "email", "e-mail"
        SFTP = "sftp", "file by SFTP"

    class State(models.TextChoices):
        ENABLED = "enabled", "in use"
        HELD = "held", "held until a person has looked"

    department = models.ForeignKey(Department, models.CASCADE, related_name="routes")
    rank = models.PositiveSmallIntegerField(default=1, help_text="The enabled route of lowest rank is used.")
    transport = models.CharField(max_length=5, choices=Transport)
    config = models.JSONField(default=dict, blank=True)
    encrypted_secrets = models.TextField(blank=True, editable=False)
    state = models.CharField(max_length=7, choices=State, default=State.ENABLED)
    reason = models.CharField(max_length=300, blank=True, help_text="Why it is held, or the last failure.")
    failures = models.PositiveIntegerField(default=0, editable=False, help_text="In a row, since the last success.")
    failing_since = models.DateTimeField(null=True, blank=True, editable=False)
    open_until = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="The circuit breaker is open until then; one dispatch then probes the route.",
    )
    last_ok_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects: ClassVar = RouteQuerySet.as_manager()

    class Meta:
        ordering = ["department", "rank"]
        constraints = [
            models.UniqueConstraint(
                fields=["department", "rank"],
                name="shipping_route_rank_once",
                violation_error_message="This department has a route of this rank already.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_transport_display()} to {self.department}"

    @property
    def secrets(self) -> dict[str, str]:
        return encryption.decrypt_secrets(self.encrypted_secrets)

    @secrets.setter
    def secrets(self, values: dict[str, str]) -> None:
        self.encrypted_secrets = encryption.encrypt_secrets(values)


class DispatchQuerySet(models.QuerySet["Dispatch"]):
    def live(self) -> Self:
        """Return the dispatches that are neither finished nor given up."""
        return self.filter(state__in=states.LIVE)

    def due(self, now: datetime) -> Self:
        """Return the dispatches to be sent now: their time has come, or a worker's lease ran out."""
        return self.filter(
            Q(state__in=states.CLAIMABLE, next_at__lte=now) | Q(state=State.SENDING, lease_until__lt=now)
        )

    def in_flight(self, now: datetime) -> Self:
        """Return the dispatches that a worker is sending under a valid lease."""
        return self.filter(state=State.SENDING, lease_until__gte=now)


class Dispatch(models.Model):
    """The outbox row of one consignment's revision: written with the order, sent until it is acknowledged.

    ``key`` is the idempotency key that the department deduplicates by. ``fence`` is the fencing token: it counts the
    claims and so numbers the attempts, and a result is recorded only where it still matches. ``spent`` counts the
    failures that used up the retry schedule; probes of an open circuit breaker are free. A trigger refuses any change
    of consignment, revision, key and body.
    """

    consignment = models.ForeignKey("orders.Consignment", models.PROTECT, related_name="+")
    revision = models.PositiveIntegerField(default=1)
    key = models.CharField(max_length=48, unique=True)
    body = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    state = models.CharField(max_length=9, choices=State, default=State.READY)
    route = models.ForeignKey(Route, models.PROTECT, null=True, blank=True, related_name="dispatches")
    created_at = models.DateTimeField(default=timezone.now)
    next_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_owner = models.CharField(max_length=80, blank=True)
    fence = models.PositiveIntegerField(default=0)
    spent = models.PositiveIntegerField(default=0)
    first_sent_at = models.DateTimeField(null=True, blank=True)
    acked_at = models.DateTimeField(null=True, blank=True)
    ack_by = models.CharField(max_length=80, blank=True)
    reason = models.CharField(max_length=300, blank=True)

    objects: ClassVar = DispatchQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name_plural = "dispatches"
        constraints = [
            models.UniqueConstraint("consignment", "revision", name="shipping_dispatch_revision_once"),
            models.CheckConstraint(
                condition=~Q(state__in=sorted(states.LIVE)) | Q(next_at__isnull=False),
                name="shipping_dispatch_live_has_next_at",
            ),
            models.CheckConstraint(
                condition=~Q(state=State.SENDING) | Q(lease_until__isnull=False),
                name="shipping_dispatch_sending_has_lease",
            ),
            models.CheckConstraint(
                condition=~Q(state=State.ACKED) | Q(acked_at__isnull=False), name="shipping_dispatch_acked_has_time"
            ),
        ]
        indexes = [
            models.Index(
                F("route"), F("next_at"), name="shipping_dispatch_live", condition=Q(state__in=sorted(states.LIVE))
            ),
        ]

    def __str__(self) -> str:
        return self.key


class Attempt(models.Model):
    """One attempt to send a dispatch, written when it has ended and never changed. A gap is a worker that died."""

    class Outcome(models.TextChoices):
        ACKED = "acked", "acknowledged"
        SENT = "sent", "sent"
        RETRY = "retry", "failed, will be tried again"
        REFUSED = "refused", "refused by the department"
        LATE = "late", "ended after its lease; the result did not count"

    dispatch = models.ForeignKey(Dispatch, models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField()
    route = models.ForeignKey(Route, models.PROTECT, related_name="+")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    outcome = models.CharField(max_length=7, choices=Outcome)
    code = models.CharField(
        max_length=20, blank=True, help_text="The status of the transport's protocol: 503, 451, EOF."
    )
    response = models.CharField(max_length=2000, blank=True)
    worker = models.CharField(max_length=80)

    class Meta:
        ordering = ["dispatch", "number", "id"]
        constraints = [models.UniqueConstraint("dispatch", "number", name="shipping_attempt_number_once")]

    def __str__(self) -> str:
        return f"attempt {self.number} of {self.dispatch}"


class Ack(models.Model):
    """A department's acknowledgement of a dispatch, deduplicated by vendor and ``ack_id``."""

    vendor = models.ForeignKey("vendors.Vendor", models.PROTECT, related_name="+")
    ack_id = models.CharField(max_length=120)
    dispatch = models.ForeignKey(Dispatch, models.CASCADE, related_name="acks")
    source = models.CharField(max_length=20)
    received_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint("vendor", "ack_id", name="shipping_ack_once")]

    def __str__(self) -> str:
        return self.ack_id
