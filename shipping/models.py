"""Departments, the routes to them, and the outbox: dispatches, attempts and acknowledgements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from shipping import encryption, states, transports
from shipping.states import State
from shipping.transports.agent import MODES, WAIT
from shipping.transports.base import AckPolicy, Outcome


class Department(models.Model):
    """A vendor's shipping department."""

    vendor = models.OneToOneField("vendors.Vendor", models.CASCADE, related_name="+")
    name = models.CharField(max_length=100, default="Shipping")

    def __str__(self) -> str:
        return f"{self.name} of {self.vendor}"


class VendorKeyQuerySet(models.QuerySet["VendorKey"]):
    def signing(self) -> Self:
        """Return the keys that sign, the older one first."""
        return self.filter(retired_at=None).order_by("pk")


class VendorKey(models.Model):
    """A key that signs a department's documents. Two of a vendor sign while the department changes its own."""

    vendor = models.ForeignKey("vendors.Vendor", models.CASCADE, related_name="+")
    key_id = models.CharField("key", max_length=40, unique=True)
    slot = models.PositiveSmallIntegerField(null=True, editable=False, help_text="1 or 2 while it signs.")
    encrypted_secret = models.TextField(editable=False)
    created_at = models.DateTimeField("made", default=timezone.now, editable=False)
    retired_at = models.DateTimeField("retired", null=True, blank=True, editable=False)

    objects: ClassVar = VendorKeyQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["vendor", "slot"], name="shipping_vendorkey_two_at_once"),
            models.CheckConstraint(
                condition=Q(slot__isnull=False, slot__in=[1, 2], retired_at__isnull=True)
                | Q(slot__isnull=True, retired_at__isnull=False),
                name="shipping_vendorkey_signs_in_a_slot",
            ),
        ]

    def __str__(self) -> str:
        return self.key_id


class RouteQuerySet(models.QuerySet["Route"]):
    def with_keys(self) -> Self:
        """Return the routes with the stored keys of their vendors."""
        keys = VendorKey.objects.signing().filter(vendor=models.OuterRef("department__vendor"))
        return self.annotate(signing_keys=ArraySubquery(keys.values("encrypted_secret")))


class Route(models.Model):
    """The transport by which a department is reached, with its settings, secrets and circuit breaker.

    The transport's class declares the settings (``shipping.transports``).
    """

    class State(models.TextChoices):
        ENABLED = "enabled", "in use"
        HELD = "held", "held until a person has looked"

    department = models.ForeignKey(Department, models.CASCADE, related_name="routes")
    rank = models.PositiveSmallIntegerField(default=1, help_text="The enabled route of lowest rank is used.")
    transport = models.CharField(max_length=20, choices=transports.choices)
    config = models.JSONField(default=dict, blank=True)
    ack_policy = models.CharField(
        "acknowledged by",
        max_length=8,
        choices=AckPolicy,
        blank=True,
        help_text="What shows that the department has it. Until then it is sent again, three times at most.",
    )
    encrypted_secrets = models.TextField(blank=True, editable=False)
    state = models.CharField(max_length=7, choices=State, default=State.ENABLED)
    reason = models.CharField(max_length=300, blank=True, help_text="Why it is held, or the last failure.")
    failures = models.PositiveIntegerField(default=0, editable=False, help_text="In a row, since the last success.")
    failing_since = models.DateTimeField(null=True, blank=True, editable=False)
    open_until = models.DateTimeField(
        "next probe",
        null=True,
        blank=True,
        editable=False,
        help_text="The circuit breaker is open until then; one dispatch then probes the route.",
    )
    opens_at = models.DateTimeField(
        "next window",
        null=True,
        editable=False,
        help_text="It sends from then on; the start of the window that is open now, or of the next one.",
    )
    last_ok_at = models.DateTimeField("last taken", null=True, blank=True, editable=False)
    last_ack_at = models.DateTimeField("last acknowledged", null=True, blank=True, editable=False)
    alarmed_at = models.DateTimeField(null=True, editable=False, help_text="When its failure was mailed to both sides.")
    acks_due_at = models.DateTimeField(
        null=True,
        editable=False,
        help_text="When acknowledgements are looked for again; while a worker looks, the end of its lease.",
    )
    acks_after = models.PositiveBigIntegerField(
        default=0, editable=False, help_text="The dispatch at which the last look ended; the next one begins behind it."
    )

    objects: ClassVar = RouteQuerySet.as_manager()
    signing_keys: Sequence[str] = ()
    """The stored keys, where a query brought them."""

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
    def acknowledged_by(self) -> str:
        """Return the policy of acknowledgement: the route's own, or its transport's first."""
        return self.ack_policy or transports.get_transport(self.transport).ack_policies[0]

    @property
    def secret_names(self) -> list[str]:
        """Return the names of the secrets that are stored; none where no key of the settings opens them."""
        try:
            return sorted(self.secrets)
        except encryption.InvalidToken:
            return []

    @property
    def secrets(self) -> dict[str, str]:
        return encryption.decrypt_secrets(self.encrypted_secrets)

    @secrets.setter
    def secrets(self, values: dict[str, str]) -> None:
        self.encrypted_secrets = encryption.encrypt_secrets(values)


class Action(models.TextChoices):
    """The wish of a dispatch."""

    SHIP = "ship", "send these goods"
    AMEND = "amend", "send these goods instead"
    CANCEL = "cancel", "send nothing"


class DispatchQuerySet(models.QuerySet["Dispatch"]):
    def live(self) -> Self:
        """Return the dispatches that are neither finished nor given up."""
        return self.filter(state__in=states.LIVE)


class Dispatch(models.Model):
    """The outbox row of one consignment's revision: written with the order, sent until it is acknowledged.

    ``key`` is the idempotency key that the department deduplicates by. ``next_at`` is the time from which it may be
    claimed; while a worker sends it, the end of that worker's lease. ``fence`` is the fencing token: it counts the
    claims and so numbers the attempts, and a result is recorded only where it still matches. ``spent`` counts the
    failures that used up the retry schedule; probes of an open circuit breaker are free. A trigger refuses any change
    of consignment, revision, key and body.
    """

    consignment = models.ForeignKey("orders.Consignment", models.PROTECT, related_name="+")
    revision = models.PositiveIntegerField(default=1)
    action = models.CharField(max_length=6, choices=Action, default=Action.SHIP)
    key = models.CharField(max_length=48, unique=True)
    body = models.BinaryField()
    sha256 = models.CharField("SHA-256", max_length=64)
    state = models.CharField(max_length=9, choices=State, default=State.READY)
    route = models.ForeignKey(Route, models.PROTECT, null=True, blank=True, related_name="dispatches")
    created_at = models.DateTimeField(default=timezone.now)
    next_at = models.DateTimeField("next try", null=True, blank=True)
    lease_owner = models.CharField("sent by", max_length=80, blank=True)
    fence = models.PositiveIntegerField(default=0)
    spent = models.PositiveIntegerField(default=0)
    sends = models.PositiveIntegerField(default=0, help_text="Times it was taken without an acknowledgement.")
    refusals = models.PositiveIntegerField(default=0)
    first_refused_at = models.DateTimeField(null=True, blank=True)
    first_sent_at = models.DateTimeField("first sent", null=True, blank=True)
    acked_at = models.DateTimeField("acknowledged", null=True, blank=True)
    ack_by = models.CharField("acknowledged by", max_length=80, blank=True)
    reason = models.CharField(max_length=300, blank=True)
    alarmed_at = models.DateTimeField(null=True, editable=False, help_text="When its end was mailed to both sides.")

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
                condition=~Q(state=State.ACKED) | Q(acked_at__isnull=False), name="shipping_dispatch_acked_has_time"
            ),
        ]
        indexes = [
            models.Index(
                F("route"), F("next_at"), name="shipping_dispatch_live", condition=Q(state__in=sorted(states.LIVE))
            ),
            models.Index(F("route"), F("id"), name="shipping_dispatch_unacked", condition=Q(state=State.SENT)),
            models.Index(F("id"), name="shipping_dispatch_no_route", condition=Q(route=None, state=State.HELD)),
            models.Index(F("id"), name="shipping_dispatch_unalarmed", condition=Q(state=State.DEAD, alarmed_at=None)),
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
    outcome = models.CharField(max_length=12, choices=Outcome, blank=True, help_text="What the department did.")

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint("vendor", "ack_id", name="shipping_ack_once")]
        indexes = [models.Index(F("id"), name="shipping_ack_too_late", condition=Q(outcome=Outcome.ALREADY_SENT))]

    def __str__(self) -> str:
        return self.ack_id


class RunnerPresence(models.Model):
    """A running ``dispatchd``; while one has been seen lately, the Celery task only wakes it."""

    name = models.CharField(max_length=80, unique=True)
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class AgentList(models.Model):
    """The scripts of an agent's own list, as the agent of a department said it last."""

    department = models.OneToOneField(Department, models.CASCADE, related_name="agent_list")
    scripts = models.JSONField(default=list)
    every = models.FloatField(default=0, help_text="Seconds between two looks of the agent.")
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"scripts at {self.department}"


class ScriptRun(models.Model):
    """A script that a person started on a department's agent, and its end.

    ``data`` is its shared data: handed out once, which lets the script run, and deleted with its end. ``next_at`` is
    the time from which the agent may be offered it: as long as the data was not read, it is offered again.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "waits for the agent"
        RUNNING = "running", "runs"
        DONE = "done", "ended well"
        FAILED = "failed", "failed"
        REFUSED = "refused", "refused by the agent"
        MISSED = "missed", "not fetched in time; it did not run"
        LOST = "lost", "fetched, and its end is not known"
        WITHDRAWN = "withdrawn", "taken back; it did not run"

    OPEN = (State.WAITING, State.RUNNING)

    route = models.ForeignKey(Route, models.PROTECT, related_name="+")
    key = models.CharField(max_length=40, unique=True)
    script = models.CharField(max_length=40)
    mode = models.CharField("run", max_length=6, choices=MODES, default=WAIT)
    arguments = models.JSONField(default=dict, blank=True)
    seconds = models.PositiveIntegerField(help_text="The longest that the agent lets it run.")
    data = models.TextField(blank=True, editable=False)
    data_size = models.PositiveIntegerField("shared data", default=0, help_text="Characters that were given along.")
    state = models.CharField(max_length=9, choices=State, default=State.WAITING)
    fence = models.PositiveIntegerField(default=0, help_text="Times it was offered.")
    next_at = models.DateTimeField(editable=False)
    until = models.DateTimeField(help_text="It is not begun later than this.")
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField("started", default=timezone.now)
    read_at = models.DateTimeField("fetched", null=True, blank=True)
    ended_at = models.DateTimeField("ended", null=True, blank=True)
    exit_code = models.IntegerField(null=True, blank=True)
    output = models.TextField(blank=True)
    detail = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "running"], ended_at__isnull=True)
                | Q(data="", ended_at__isnull=False) & ~Q(state__in=["waiting", "running"]),
                name="shipping_scriptrun_data_goes_with_its_end",
            ),
            models.CheckConstraint(
                condition=Q(read_at__isnull=False) | ~Q(state__in=["running", "done", "lost"]),
                name="shipping_scriptrun_runs_once_its_data_is_read",
            ),
        ]
        indexes = [
            models.Index(F("route"), F("id"), name="shipping_scriptrun_open", condition=Q(ended_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.script} {self.key}"

    @property
    def is_open(self) -> bool:
        """Return True while its end is waited for."""
        return self.state in self.OPEN
