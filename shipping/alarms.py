"""Letters to a vendor's people and to the mall's staff about goods that no department hears of."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.core.mail import EmailMessage
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q

from cart.orders.models import Consignment
from sessions_farm.communities.models import Community
from shipping import metrics, transports
from shipping.models import Ack, Action, Dispatch, Route
from shipping.states import State
from shipping.transports.base import Outcome, PullTransport
from vendors.links import mailed_url
from vendors.mail import MailKind, build_mail, sender_of
from vendors.models import Membership, Vendor
from vendors.people import SEES_ALL
from vendors.scoped_admin import ORDER_ROLES

logger = logging.getLogger(__name__)

HELD_FOR = timedelta(hours=1)
"""A route that fails for longer, or waits for a person, is worth a mail where goods wait for it."""

UNFETCHED_FOR = timedelta(hours=24)
"""An order that a department's program has not fetched for longer is worth a mail."""

LISTED = 20
HEADING, HEADING_LATE = "orders do not reach the department", "changes came too late"


@dataclass
class Trouble:
    """The routes and the dispatches of one vendor that need a person; ``late`` are changes of goods that were sent."""

    vendor: Vendor
    routes: list[Route] = field(default_factory=list)
    dead: list[Dispatch] = field(default_factory=list)
    late: list[Dispatch] = field(default_factory=list)


def send_alarms(now: datetime) -> int:
    """Mail each trouble once to both sides; return the number of vendors. What another process mails is left to it."""
    return sum(_alarm_once(trouble.vendor, now) for trouble in find_troubles(now))


def _alarm_once(vendor: Vendor, now: datetime) -> bool:
    """Mail a vendor's trouble under a lock of the transaction, which holds behind a pooler, too."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [lock_name(vendor)])
        is_mine: bool = cursor.fetchone()[0]
        # Looked for again: another process may have mailed it meanwhile.
        return is_mine and any(_alarm(trouble, now) for trouble in find_troubles(now, vendor))


def lock_name(vendor: Vendor) -> str:
    """Return the name of the lock under which a vendor's trouble is mailed."""
    return f"alarm {vendor.pk}"


def _alarm(trouble: Trouble, now: datetime) -> bool:
    """Mail a trouble; return False where no mail was taken, so that it is tried again."""
    try:
        mailed = _mail(trouble)
    except Exception:  # whatever is wrong with one vendor's alarm keeps no other vendor's
        logger.exception("The alarm about %s could not be written.", trouble.vendor)
        mailed = False
    if not mailed:
        metrics.UNMAILED.inc()
        return False
    metrics.ALARMS.inc()
    Route.objects.filter(pk__in=[route.pk for route in trouble.routes]).update(alarmed_at=now)
    named = [dispatch.pk for dispatch in (*trouble.dead, *trouble.late)]
    Dispatch.objects.filter(pk__in=named).update(alarmed_at=now)
    return True


def find_troubles(now: datetime, vendor: Vendor | None = None) -> list[Trouble]:
    """Return the troubles that were not mailed yet, a vendor each; of one vendor alone where it is given."""
    waiting = Dispatch.objects.filter(route=OuterRef("pk"), state__in=(State.READY, State.HELD))
    unfetched = waiting.filter(created_at__lt=now - UNFETCHED_FOR, next_at__lt=now)
    long = Q(state=Route.State.HELD) | Q(failing_since__lt=now - HELD_FOR)
    long |= Q(Exists(unfetched), transport__in=transports.names_of(PullTransport))
    routes = Route.objects.filter(long, Exists(waiting), alarmed_at=None).select_related(
        "department__vendor__marketplace"
    )
    unmailed = Dispatch.objects.filter(alarmed_at=None).defer("body")
    unmailed = unmailed.select_related("consignment__order", "consignment__vendor__marketplace").order_by("pk")
    if vendor is not None:
        routes = routes.filter(department__vendor=vendor)
        unmailed = unmailed.filter(consignment__vendor=vendor)
    late = Ack.objects.filter(outcome=Outcome.ALREADY_SENT).values("dispatch")
    troubles: dict[int, Trouble] = {}
    for route in routes:
        vendor = route.department.vendor
        troubles.setdefault(vendor.pk, Trouble(vendor)).routes.append(route)
    for dispatch in unmailed.filter(state=State.DEAD):
        vendor = dispatch.consignment.vendor
        troubles.setdefault(vendor.pk, Trouble(vendor)).dead.append(dispatch)
    for dispatch in unmailed.filter(state=State.ACKED, pk__in=late):
        vendor = dispatch.consignment.vendor
        troubles.setdefault(vendor.pk, Trouble(vendor)).late.append(dispatch)
    return list(troubles.values())


def _mail(trouble: Trouble) -> bool:
    """Write to both sides; return False where nobody's mail was taken."""
    community = Community.objects.select_related("master").get(pk=trouble.vendor.marketplace.community_id)
    sender = sender_of(community, trouble.vendor.marketplace)
    links = {name: mailed_url(community, f"admin:shipping_{name}_changelist") for name in ("route", "dispatch")}
    context = _context(trouble, links)
    # One letter each: nobody reads the others' addresses, and one address that is refused keeps it from nobody else.
    letters = [build_mail(ALARM, sender=sender, to=address, context=context) for address in _addresses(trouble.vendor)]
    taken = [_is_taken(letter) for letter in letters]
    return any(taken)


def _is_taken(letter: EmailMessage) -> bool:
    try:
        letter.send()
    except OSError as error:
        logger.warning("An alarm to %s was not mailed: %s", letter.to[0], error)
        return False
    return True


def _context(trouble: Trouble, links: dict[str, str]) -> dict[str, Any]:
    return {
        "trouble": trouble,
        "heading": HEADING if trouble.routes or trouble.dead else HEADING_LATE,
        "listed": trouble.dead[:LISTED],
        "more": len(trouble.dead) - LISTED,
        "late": trouble.late[:LISTED],
        "links": links,
    }


def _addresses(vendor: Vendor) -> list[str]:
    members = Membership.objects.filter(vendor=vendor, role__in=ORDER_ROLES, user__is_active=True)
    theirs = list(members.values_list("user__email", flat=True))
    staff = get_user_model().objects.filter(is_staff=True, is_active=True)
    return list(dict.fromkeys([*theirs, *[user.email for user in staff if user.has_perm(SEES_ALL)]]))


def _sample() -> dict[str, Any]:
    since = datetime(2026, 11, 29, 7, 30, tzinfo=UTC)
    route = Route(transport="http", rank=1, failing_since=since, reason="Answered 503: closed for the night")
    held = Route(transport="sftp", rank=2, state=Route.State.HELD, reason="The password is wrong.")
    dead = [Dispatch(consignment=Consignment(number=f"M-7K3Q-29-{part}"), reason="Refused (422)") for part in (1, 2)]
    late = [Dispatch(consignment=Consignment(number="M-7K3Q-28-1"), action=Action.CANCEL)]
    vendor = Vendor(name="Fowlers of Sligo", accent="#7a3b1d")
    links = {name: f"https://mall.example/admin/shipping/{name}/" for name in ("route", "dispatch")}
    return _context(Trouble(vendor, [route, held], dead, late), links)


ALARM: Final = MailKind(
    name="alarm",
    label="Orders do not reach the department",
    template="shipping/mail/alarm",
    subject="{{ trouble.vendor }}: {{ heading }}",
    sample=_sample,
)
