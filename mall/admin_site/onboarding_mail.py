"""The letters about a vendor's approval: to the mall's operators when an owner asks, to the owners the decision."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from django.db.models import Q

from mall.accounts.models import MallRole, User
from sessions_farm.communities.models import Community
from vendors.links import mailed_url
from vendors.mail import MailKind, build_mail, sender_of
from vendors.models import Membership, Vendor

if TYPE_CHECKING:
    from collections.abc import Iterable

Status = Vendor.Status


def send_asked(vendor: Vendor) -> None:
    """Write to the approving staff. Raise OSError where the mail server does not take it."""
    deciding = User.objects.filter(Q(is_superuser=True) | Q(mall_role=MallRole.OPERATOR), is_active=True)
    _send(ASKED, vendor, deciding.values_list("email", flat=True))


def send_decision(vendor: Vendor) -> None:
    """Write the mall's decision to the owners. Raise OSError where the mail server does not take it."""
    owners = Membership.objects.filter(vendor=vendor, role=Membership.Role.OWNER, user__is_active=True)
    _send(DECISIONS[Status(vendor.status)], vendor, owners.values_list("user__email", flat=True))


def _send(kind: MailKind, vendor: Vendor, to: Iterable[str]) -> None:
    community = Community.objects.select_related("master").get(pk=vendor.marketplace.community_id)
    sender = sender_of(community, vendor.marketplace)
    context = {"vendor": vendor, "link": mailed_url(community, "admin:setup", pk=vendor.pk)}
    for address in to:  # one letter each: nobody reads the others' addresses
        build_mail(kind, sender=sender, to=address, context=context).send()


def _sample(remark: str = "") -> dict[str, Any]:
    vendor = Vendor(name="Fowlers of Sligo", accent="#7a3b1d", remark=remark)
    return {"vendor": vendor, "link": "https://mall.example/admin/setup/1/"}


ASKED: Final = MailKind(
    name="vendor-asked",
    label="A shop asks to be opened",
    template="admin/mall/mail/asked",
    subject="{{ vendor }} asks to be opened",
    sample=_sample,
)
DECISIONS: Final = {
    status: MailKind(
        name=f"vendor-{name.replace('_', '-')}",
        label=label,
        template=f"admin/mall/mail/{name}",
        subject=f"{{{{ vendor }}}} {verb}",
        sample=partial(_sample, remark),
    )
    for status, name, label, verb, remark in (
        (Status.PUBLISHED, "opened", "A shop is open", "is open", ""),
        (Status.DRAFT, "sent_back", "A shop is sent back", "is not open yet", "Say how long a delivery takes."),
        (Status.SUSPENDED, "closed", "A shop is closed", "is closed", "Orders of November were not sent."),
    )
}
KINDS: Final = (ASKED, *DECISIONS.values())
