"""The admin form of a route: the route's own fields, and the settings that its transport declares."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone

from shipping import routing, transports
from shipping.models import Route
from shipping.transports.base import RouteSettings


class RouteForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only in the stubs
    """The fields that every route has; :func:`form_for` adds those of a transport."""

    settings: type[RouteSettings]
    also_seen = ("config",)

    class Meta:
        model = Route
        fields = ("department", "rank", "ack_policy")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not hasattr(self, "settings"):
            return
        if self.instance.pk and not self.initial.get("ack_policy"):
            self.initial["ack_policy"] = self.instance.acknowledged_by
        for name in self.settings.base_fields:
            self._prepare(name, self.fields[name])

    def _prepare(self, name: str, field: forms.Field) -> None:
        """Give a setting its stored value and the admin's own width; a secret only says that it is stored."""
        if isinstance(field, forms.CharField):
            large = isinstance(field.widget, forms.Textarea)
            field.widget.attrs.setdefault("class", "vLargeTextField" if large else "vTextField")
        if name in self.settings.buttons:
            return
        if name not in self.settings.secrets:
            self.initial.setdefault(name, self.instance.config.get(name, field.initial))
        elif name in self.stored:
            field.help_text = f"Stored, and never shown again. Leave it empty to keep it. {field.help_text}"

    @property
    def stored(self) -> set[str]:
        """Return the names of the secrets that the route has already."""
        return set(self.instance.secret_names) if self.instance.pk else set()

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        given = {name for name in self.settings.secrets if values.get(name)}
        for name, complaint in self.settings.complaints(values, given | self.stored).items():
            self.add_error(name, complaint)
        return values

    def save(self, commit: bool = True) -> Route:  # noqa: FBT001, FBT002 -- Django's signature
        values = self.cleaned_data
        names = self.settings.base_fields
        kept = {name: values[name] for name in names if name not in (*self.settings.secrets, *self.settings.buttons)}
        self.instance.config = {name: value for name, value in kept.items() if value not in (None, "", False)}
        stored = {name: self.instance.secrets[name] for name in self.stored}
        given = {name: values[name] for name in self.settings.secrets if values.get(name)}
        given |= self.settings.generate(values, stored)
        if given:
            self.instance.secrets = self.settings.merge_secrets(stored, given)
        self.instance.opens_at = routing.next_opening(self.instance, timezone.now())
        route: Route = super().save(commit=commit)
        return route


def form_for(transport: str, base: type[RouteForm]) -> type[RouteForm]:
    """Return the form of routes over a transport."""
    declared = transports.get_transport(transport)
    policies = [(policy.value, policy.label) for policy in declared.ack_policies]
    fields: dict[str, Any] = dict(declared.settings.base_fields)
    fields["ack_policy"] = forms.ChoiceField(
        choices=policies, label="Acknowledged by", help_text=Route._meta.get_field("ack_policy").help_text
    )
    return type("RouteForm", (base,), {**fields, "settings": declared.settings})
