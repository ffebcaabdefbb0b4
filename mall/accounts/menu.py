"""The menu of the account: its pages, in the order in which people need them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


@dataclass(frozen=True, slots=True)
class Entry:
    """Hold a page of the account: its name, its view, and the beginnings of the names of the views below it."""

    name: str | _StrPromise
    view: str
    below: tuple[str, ...] = ()

    def holds(self, view: str) -> bool:
        """Return whether a view is this page, or below it."""
        return view == self.view or view.startswith(self.below)


MENU: Final = (
    Entry(gettext_lazy("Overview"), "account_home"),
    Entry(gettext_lazy("Orders"), "account_orders", ("claim_orders",)),
    Entry(gettext_lazy("Goods you wait for"), "account_alerts"),
    Entry(gettext_lazy("Addresses"), "addresses", ("add_address", "change_address")),
    Entry(gettext_lazy("Your name"), "account_name"),
    Entry(gettext_lazy("Mail addresses"), "account_email"),
    Entry(gettext_lazy("Password"), "account_change_password", ("account_set_password",)),
    Entry(gettext_lazy("Passkeys and two steps"), "mfa_index", ("mfa_",)),
    Entry(gettext_lazy("Devices"), "devices"),
    Entry(gettext_lazy("Your data"), "account_data", ("export_account", "delete_account")),
    Entry(gettext_lazy("Sign out"), "account_logout"),
)
