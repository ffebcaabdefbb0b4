"""Roles of the mall's staff: the permissions of each, and the service that gives and takes a role.

A superuser may everything, and alone gives roles. All of the mall's staff see all vendors, and work for none.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction

from mall.accounts.errors import LastSuperuserError, RoleRefusedError
from mall.accounts.models import MallRole, User
from vendors.models import Membership
from vendors.people import SEES_ALL

SUPERUSER = "superuser"
CHOICES = [
    ("", "– not for the mall –"),
    *MallRole.choices,
    (SUPERUSER, "superuser: everything, and the roles of others"),
]
IMPERSONATE = "accounts.impersonate"
RECONCILE = "orders.reconcile"


def _view(app: str, *models: str) -> set[str]:
    return {f"{app}.view_{model}" for model in models}


def _edit(app: str, *models: str) -> set[str]:
    return {f"{app}.{action}_{model}" for model in models for action in ("view", "add", "change", "delete")}


ORDERS_READ = (
    _view("orders", "order", "orderline", "consignment", "payment", "refund", "refundpart")
    | _view("aftersale", "return", "returnline")
    | _view("letters", "letter")
)
PERMISSIONS: dict[str, frozenset[str]] = {
    "": frozenset(),
    MallRole.OPERATOR: frozenset(
        {SEES_ALL, "accounts.view_user", "accounts.change_user", "auditlog.view_logentry"}
        | {"vendors.view_review", "vendors.change_review"}
        | _edit("vendors", "storefront", "vendordomain", "category", "synonym")
        | _view("vendors", "product", "variant", "productimage", "stock", "stockmovement")
        | _view("vendors", "marketplace", "deliveryzone")
        | {"vendors.view_vendor", "vendors.add_vendor", "vendors.change_vendor", "vendors.change_marketplace"}
        | _edit("communities", "domain")
        | _view("communities", "community")
        | _view("shipping", "department", "route", "dispatch", "attempt", "vendorkey", "scriptrun")
        | {"shipping.change_dispatch", "letters.view_letter", "letters.change_letter"}
    ),
    MallRole.SUPPORT: frozenset(
        {SEES_ALL, IMPERSONATE, "accounts.view_user", "letters.change_letter", "support_watch.view_supportvisit"}
        | {"aftersale.add_contactchange", "vendors.view_review", "vendors.change_review"}
        | ORDERS_READ
        | _view("vendors", "vendor", "product", "variant", "productimage", "stock", "stockmovement", "deliveryzone")
        | _view("shipping", "dispatch", "attempt")
        | _view("cart", "cart", "line")
    ),
    MallRole.FINANCE: frozenset(
        {SEES_ALL, RECONCILE, "orders.add_refund"}
        | ORDERS_READ
        | _view("manual_gateway", "transfer", "backtransfer")
        | {"manual_gateway.change_transfer", "manual_gateway.change_backtransfer"}
        | {"vendors.view_vendor"}
    ),
}  # fmt: skip


def role_of(user: Any) -> str:
    """Return the role of a user in the mall, or ''."""
    return SUPERUSER if user.is_superuser else str(user.mall_role)


@transaction.atomic
def change_role(*, user: User, role: str, by: User) -> None:
    """Give a user a role in the mall, or take it with ''. Raise RoleRefusedError, LastSuperuserError."""
    refuse_role(user, role)
    if not by.is_superuser:
        raise RoleRefusedError("Only a superuser gives and takes roles.")
    user.is_superuser = role == SUPERUSER
    user.mall_role = "" if role == SUPERUSER else role
    user.is_staff = user.is_mall_staff or Membership.objects.filter(user=user).exists()
    user.save(update_fields=["is_superuser", "mall_role", "is_staff"])


def refuse_role(user: User, role: str) -> None:
    """Raise RoleRefusedError or LastSuperuserError if a user cannot have a role; see ``refuse_last_superuser``."""
    if role not in dict(CHOICES):
        raise RoleRefusedError(f"There is no role {role!r}.")
    if role != SUPERUSER:
        refuse_last_superuser(user)
    if role and Membership.objects.filter(user=user).exists():
        raise RoleRefusedError(f"{user} works for a shop; end that first, or take another account.")


def refuse_last_superuser(user: User) -> None:
    """Raise LastSuperuserError if the mall would have no superuser without this one.

    It locks them for the transaction: of two going at once, one stays.
    """
    superusers = User.objects.select_for_update(no_key=True).filter(is_superuser=True, is_active=True).order_by("pk")
    if {each.pk for each in superusers} == {user.pk}:
        raise LastSuperuserError(f"{user} is the last superuser of the mall. Make another one first.")
