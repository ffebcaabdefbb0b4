"""The admin form of a route."""

from __future__ import annotations

from typing import Any

from django import forms

from shipping import signatures
from shipping.models import Route

CONFIG = {
    "http": ({"url"}, set[str]()),
    "email": ({"to"}, {"smtp_host", "smtp_port"}),
    "sftp": ({"host", "user", "host_key"}, {"port", "folder"}),
}
"""The settings that each transport needs, and those it may have."""

SECRETS = {
    "http": ({"secret"}, {"previous_secret"}),
    "email": (set[str](), {"smtp_user", "smtp_password"}),
    "sftp": (set[str](), {"password", "private_key"}),
}


class RouteForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only in the stubs
    new_secrets = forms.JSONField(
        required=False,
        label="Secrets",
        help_text='Never shown again. Empty keeps those that are there. HTTP: {"secret": "whsec_…"}; '
        'SFTP: {"password": "…"} or {"private_key": "…"}.',
    )

    class Meta:
        model = Route
        fields = ("department", "rank", "transport", "config")

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        transport = values.get("transport")
        if transport:
            self._check_names("config", values.get("config"), CONFIG[transport])
            if values.get("new_secrets") or not self.instance.encrypted_secrets:
                self._check_names("new_secrets", values.get("new_secrets") or {}, SECRETS[transport])
                self._check_secret(values.get("new_secrets"))
        return values

    def _check_names(self, field: str, given: object, names: tuple[set[str], set[str]]) -> None:
        needed, possible = names
        if not isinstance(given, dict) or not all(isinstance(value, str | int) for value in given.values()):
            self.add_error(field, 'Write names and values, for example {"url": "https://shop.example/orders"}.')
            return
        if any("\0" in str(value) for value in given.values()):
            self.add_error(field, "A value holds a NUL character; take it out.")  # PostgreSQL would refuse it
        if missing := needed - given.keys():
            self.add_error(field, f"Missing: {', '.join(sorted(missing))}.")
        if unknown := given.keys() - needed - possible:
            self.add_error(field, f"Not known here: {', '.join(sorted(unknown))}.")

    def _check_secret(self, given: object) -> None:
        if isinstance(given, dict) and "secret" in given:
            try:
                signatures.key_bytes(str(given["secret"]))
            except ValueError as error:
                self.add_error("new_secrets", str(error))

    def save(self, commit: bool = True) -> Route:  # noqa: FBT001, FBT002 -- Django's signature
        if secrets := self.cleaned_data.get("new_secrets"):
            self.instance.secrets = {name: str(value) for name, value in secrets.items()}
        route: Route = super().save(commit=commit)
        return route
