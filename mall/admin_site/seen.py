"""Optimistic locking of every form and inline of the admin: nothing is overwritten that a person did not see.

A form carries the values that it showed. When it comes back, its row is locked and compared: if another person, a
worker or an import changed one of them meanwhile, the row is refused, with what changed and with the text as typed;
saved again, it carries what is shown then. The admin site puts this into all admins as they are registered.
"""

from __future__ import annotations

import functools
from typing import Any

from django import forms
from django.core import signing
from django.core.exceptions import ValidationError
from django.db import models

from mall.admin_site.mixing import mixed
from vendors.models.amount_fields import AmountMixin
from vendors.money import Money

SEEN = "seen_values"
SALT = "mall.admin_site.seen"


class SeenInput(forms.HiddenInput):
    """Carry the values of the row as the page shows them now, whatever was posted."""

    now = ""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> Any:
        """Return the hidden input."""
        return super().render(name, self.now, attrs, renderer)


class SeenField(forms.CharField):
    """Take the values that a person saw, which are no change by themselves."""

    widget = SeenInput

    def has_changed(self, initial: Any, data: Any) -> bool:
        return False


def values_of(row: models.Model, names: list[str]) -> dict[str, str]:
    """Return the values of a row's fields as texts, by name."""
    return {field.name: field.value_to_string(row) for field in row._meta.concrete_fields if field.name in names}


def words_of(row: Any, name: str, text: str | None) -> str:
    """Return the text of a field's value for people: money as money, and a word for nothing."""
    if not text or text == "None":
        return "empty"
    is_money = isinstance(row._meta.get_field(name), AmountMixin)
    return str(Money(int(text), row.currency)) if is_money else text


class SeenFormMixin(forms.BaseModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """Refuse a form whose row has other values now than the form showed.

    ``also_seen`` of a form names fields that its page shows, or bases choices on, without editing them.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        concrete = {field.name for field in self._meta.model._meta.concrete_fields}
        self.shown = [name for name in [*self.fields, *getattr(self, "also_seen", ())] if name in concrete]
        if self.instance.pk is not None and SEEN in self.fields:
            self._show(self.instance)

    def __getitem__(self, name: str) -> forms.BoundField:
        """Return a bound field; in a row of a table it has its column's name, for the header is no label."""
        if self.prefix and name in self.fields:
            field = self.fields[name]
            field.widget.attrs.setdefault("aria-label", str(field.label or name))
        return super().__getitem__(name)

    def _show(self, row: models.Model) -> None:
        values = signing.dumps(values_of(row, self.shown), salt=SALT, compress=True)
        self.fields[SEEN].widget.now = values

    def clean(self) -> dict[str, Any]:
        """Lock the row, take its values, and refuse the form if they differ from the seen ones."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if self.instance.pk is None or SEEN not in self.fields or not self.shown:
            return data
        row = self._meta.model._base_manager.select_for_update(no_key=True).filter(pk=self.instance.pk).first()
        if row is None:
            raise ValidationError("Not saved, for it was deleted while this page was open.", code="stale")
        for field in row._meta.concrete_fields:  # what the form does not show is saved with it, so it must be of now
            setattr(self.instance, field.attname, getattr(row, field.attname))
        self._show(row)
        if changes := self._changes(row, data.get(SEEN) or ""):
            raise ValidationError(f"Not saved, for it changed while this page was open: {changes}", code="stale")
        return data

    def _changes(self, row: models.Model, seen: str) -> str:
        """Return the changes since the form was shown, as sentences."""
        try:
            before = signing.loads(seen, salt=SALT)
        except signing.BadSignature:
            return "the page does not say what it showed. Look again, then save."
        now = values_of(row, self.shown)
        changed = [name for name in self.shown if before.get(name) != now[name]]
        words = (
            f"“{self._label(name)}” was {words_of(row, name, before.get(name))}, "
            f"and is {words_of(row, name, now[name])} now."
            for name in changed
        )
        return " ".join([*words, "What you typed is still here: look again, then save."]) if changed else ""

    def _label(self, name: str) -> str:
        field = self.fields.get(name)
        return str(field.label if field else self._meta.model._meta.get_field(name).verbose_name)


@functools.cache
def guarded_form(form: type[forms.BaseModelForm[Any]]) -> type[forms.BaseModelForm[Any]]:
    """Return the form class with the comparison."""
    if issubclass(form, SeenFormMixin):
        return form
    return type(form.__name__, (SeenFormMixin, form), {SEEN: SeenField(required=False, label="")})


def with_seen(fieldsets: Any) -> Any:
    """Return an admin's fieldsets with the hidden field in the first."""
    (title, options), *others = fieldsets
    return [(title, {**options, "fields": [*options["fields"], SEEN]}), *others]


class SeenFieldsetsMixin:
    """Show the hidden field with an admin's or an inline's own."""

    def get_fieldsets(self, request: Any, obj: Any = None) -> Any:
        return with_seen(super().get_fieldsets(request, obj))  # type: ignore[misc]  # of the class it is mixed into


class SeenInlinesMixin(SeenFieldsetsMixin):
    """Guard the inlines of an admin, too."""

    def get_inlines(self, request: Any, obj: Any) -> Any:
        return [guarded(inline, SeenFieldsetsMixin) for inline in super().get_inlines(request, obj)]  # type: ignore[misc]


def guarded(options: Any, mixin: Any = SeenInlinesMixin) -> Any:
    """Return the class of an admin or inline with a guarded form; as it is where its form compares by itself."""
    if getattr(options.form, "compares_by_itself", False):
        return options
    form: Any = guarded_form(options.form)
    return mixed(mixin, options, form)
