"""What the admin takes of a domain and of a community."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminTextInputWidget
from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from sessions_farm.communities.hostnames import NoHost, read_host
from sessions_farm.communities.models import Community, Domain


def fit_for_master(community: Community) -> QuerySet[Domain]:
    """Domains that may become its master, as ``masters.fault_of`` sees it."""
    fit: QuerySet[Domain] = community.domains.filter(
        kind=Domain.Kind.EXACT, status=Domain.Status.ACTIVE, canonical=None
    )
    if community.master_id is not None:
        fit = fit.exclude(pk=community.master_id)
    return fit.order_by("host")


class FixedFieldsForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """A model's fault with a field that cannot be changed here is told above the others."""

    def add_error(self, field: str | None, error: Any) -> None:
        if field is not None or not hasattr(error, "error_dict"):
            super().add_error(field, error)
            return
        for name, faults in error.error_dict.items():
            super().add_error(name if name in self.fields else None, faults)


class DomainForm(FixedFieldsForm):
    """A host as people type it; ``*.`` before it makes it a wildcard."""

    class Meta:
        labels = {"canonical": "Leads to"}
        help_texts = {"canonical": "For an alias: the host that it leads to. Empty for one that serves pages itself."}

    is_wildcard = False
    host = forms.CharField(
        max_length=300,
        widget=AdminTextInputWidget,
        help_text="As shop.example; *.shops.example stands for each host one label below. International names may be "
        "typed as they are read.",
    )

    def clean_host(self) -> str:
        try:
            typed = read_host(self.cleaned_data["host"])
        except NoHost as error:
            raise ValidationError(str(error)) from error
        self.is_wildcard = typed.is_wildcard
        return typed.host

    def clean_canonical(self) -> Domain | None:
        canonical: Domain | None = self.cleaned_data["canonical"]
        if canonical and Community.objects.filter(master=self.instance.pk).exists():
            raise ValidationError(f"{self.instance} is the master of its community: it serves pages itself.")
        if canonical and Domain.objects.filter(canonical=self.instance.pk).exists():
            raise ValidationError(f"Other hosts lead to {self.instance}; let them lead to {canonical} first.")
        return canonical

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or self.cleaned_data
        if self.is_wildcard:
            if cleaned.get("kind") == Domain.Kind.EXTERNAL:
                self.add_error("host", "A host outside this farm is one host, without *.")
            cleaned["kind"] = Domain.Kind.WILDCARD
        if cleaned.get("callback") and cleaned.get("kind") != Domain.Kind.EXTERNAL:
            self.add_error(
                "callback", "Only a host outside this farm has a callback: choose that kind, or leave it out."
            )
        if self.instance.pk is None and (host := cleaned.get("host")):
            self._require_free(host, is_wildcard=cleaned.get("kind") == Domain.Kind.WILDCARD)
        return cleaned

    def _require_free(self, host: str, *, is_wildcard: bool) -> None:
        """A host serves once as itself and once as a wildcard's base."""
        namesakes = Domain.objects.filter(host=host).select_related("community")
        for taken in namesakes:
            if (taken.kind == Domain.Kind.WILDCARD) is is_wildcard:
                self.add_error("host", f"{taken} is a domain of the community {taken.community} already.")


class DomainFormSet(forms.BaseInlineFormSet):  # type: ignore[type-arg]  # not subscriptable at run time
    """New domains of a community."""

    def clean(self) -> None:
        super().clean()
        seen: set[tuple[str, str]] = set()
        for form in self.extra_forms:
            name = (form.cleaned_data.get("kind", ""), form.cleaned_data.get("host", ""))
            if name[1] and name in seen:
                form.add_error("host", f"{name[1]} is given twice.")
            seen.add(name)


class CommunityForm(FixedFieldsForm):
    """The first master is chosen here, among hosts that are served; later ones take over in two steps."""

    class Meta:
        help_texts = {
            "is_active": "Switched off, none of its hosts is served. A community with a master cannot be deleted.",
            "slug": "Part of what its cookies are signed with: another one makes them all worthless.",
            "cookie_name": "Another one forgets everybody who is here now.",
            "master": "The host with the cart, the checkout and the accounts: one exact host that is served. Later "
            "it changes by the two steps above.",
            "key_epoch": "Raised by one, every cookie of this community is worthless at its next request: people sign "
            "in again, and whoever was not signed in comes back as a stranger, with an empty cart. For a key "
            "or for cookies in wrong hands. It is never lowered: that would make old cookies good again.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "master" in self.fields:
            self.fields["master"].queryset = fit_for_master(self.instance)  # type: ignore[attr-defined]  # a ModelChoiceField

    def clean_key_epoch(self) -> int:
        epoch: int = self.cleaned_data["key_epoch"]
        kept = Community.objects.filter(pk=self.instance.pk).values_list("key_epoch", flat=True).first()
        if kept is not None and epoch < kept:
            raise ValidationError(f"{epoch} would make cookies good again that {kept} revoked; give {kept} or more.")
        return epoch


class SuccessorForm(forms.Form):
    """Which domain becomes the master next."""

    domain = forms.ModelChoiceField(Domain.objects.none(), label="Next master")

    def __init__(self, community: Community, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["domain"].queryset = fit_for_master(community)  # type: ignore[attr-defined]  # a ModelChoiceField
