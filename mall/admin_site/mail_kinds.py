"""Every kind of letter that the mall sends to people, by whom it reaches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cart.letters import kinds as orders
from mall.accounts import mail as accounts
from mall.admin_site import onboarding_mail
from shipping.alarms import ALARM
from vendors.invitation_mail import INVITATION

if TYPE_CHECKING:
    from vendors.mail import MailKind

GROUPS: Final[dict[str, tuple[MailKind, ...]]] = {
    "To shoppers, about orders and goods": tuple(orders.KINDS.values()),
    "To people with an account": tuple(accounts.KINDS.values()),
    "To vendors’ people and the mall’s": (INVITATION, *onboarding_mail.KINDS, ALARM),
}
BY_NAME: Final = {kind.name: kind for kinds in GROUPS.values() for kind in kinds}
