"""The menu of the account: its pages, in the order in which people need them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Entry:
    """Hold a page of the account: its name, its view, and the beginnings of the names of the views below it."""

    name: str
    view: str
    below: tuple[str, ...] = ()

    def holds(self, view: str) -> bool:
        """Return whether a view is this page, or below it."""
        return view == self.view or view.startswith(self.below)


MENU: Final = (
    Entry("Overview", "account_home"),
    Entry("Orders", "account_orders", ("claim_orders",)),
    Entry("Addresses", "addresses", ("add_address", "change_address")),
    Entry("Your name", "account_name"),
    Entry("Mail addresses", "account_email"),
    Entry("Password", "account_change_password", ("account_set_password",)),
    Entry("Passkeys and two steps", "mfa_index", ("mfa_",)),
    Entry("Devices", "devices"),
    Entry("Your data", "account_data", ("export_account", "delete_account")),
    Entry("Sign out", "account_logout"),
)
