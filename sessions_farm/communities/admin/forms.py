"""The admin's forms of domains and communities."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminTextInputWidget
from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from sessions_farm.communities.errors import InvalidHostnameError
from sessions_farm.communities.hostnames import normalize_hostname
from sessions_farm.communities.models import Community, Domain


def master_candidates(community: Community) -> QuerySet[Domain]:
    """Return the domains without a ``masters.candidate_fault``."""
    candidates: QuerySet[Domain] = community.domains.filter(
        kind=Domain.Kind.EXACT, status=Domain.Status.ACTIVE, canonical=None
    )
    if community.master_id is not None:
        candidates = candidates.exclude(pk=community.master_id)
    return candidates.order_by("host")


class FixedFieldsForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """A form that shows a model's error of a fixed field above the others."""

    def add_error(self, field: str | None, error: Any) -> None:
        """Move errors of fields that the form lacks to the form itself."""
        if field is not None or not hasattr(error, "error_dict"):
            super().add_error(field, error)
            return
        for name, faults in error.error_dict.items():
            super().add_error(name if name in self.fields else None, faults)


class DomainForm(FixedFieldsForm):
    """A domain's form. The host may be typed in any form; ``*.`` before it makes it a wildcard."""

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
        """Return the normalized host."""
        try:
            name = normalize_hostname(self.cleaned_data["host"])
        except InvalidHostnameError as error:
            raise ValidationError(str(error)) from error
        self.is_wildcard = name.is_wildcard
        return name.host

    def clean_canonical(self) -> Domain | None:
        """Refuse an alias that is the master, or to which aliases lead."""
        canonical: Domain | None = self.cleaned_data["canonical"]
        if canonical and Community.objects.filter(master=self.instance.pk).exists():
            raise ValidationError(f"{self.instance} is the master of its community: it serves pages itself.")
        if canonical and Domain.objects.filter(canonical=self.instance.pk).exists():
            raise ValidationError(f"Other hosts lead to {self.instance}; let them lead to {canonical} first.")
        return canonical

    def clean(self) -> dict[str, Any] | None:
        """Refuse fields that contradict the kind, and a host that is taken."""
        cleaned = super().clean() or self.cleaned_data
        if self.is_wildcard:
            if cleaned.get("kind") == Domain.Kind.EXTERNAL:
                self.add_error("host", "A host outside this farm is one host, without *.")
            cleaned["kind"] = Domain.Kind.WILDCARD
        kind = cleaned.get("kind", self.instance.kind)  # not among the fields of a domain that is there
        if cleaned.get("redirect_uris") and kind != Domain.Kind.EXTERNAL:
            self.add_error(
                "redirect_uris", "Only a host outside this farm has any: choose that kind, or leave them out."
            )
        if self.instance.pk is None and (host := cleaned.get("host")):
            self._require_free(host, is_wildcard=cleaned.get("kind") == Domain.Kind.WILDCARD)
        return cleaned

    def _require_free(self, host: str, *, is_wildcard: bool) -> None:
        """Refuse a host that another domain holds; a wildcard's base is another name."""
        wanted = Domain(host=host, kind=Domain.Kind.WILDCARD if is_wildcard else Domain.Kind.EXACT)
        if holder := Domain.objects.holding().namesakes_of(wanted).select_related("community").first():
            self.add_error("host", f"{holder} is a domain of the community {holder.community} already.")


class DomainFormSet(forms.BaseInlineFormSet):  # type: ignore[type-arg]  # not subscriptable at run time
    """The new domains of a community."""

    def clean(self) -> None:
        """Refuse a host that is given twice."""
        super().clean()
        seen: set[tuple[str, str]] = set()
        for form in self.extra_forms:
            name = (form.cleaned_data.get("kind", ""), form.cleaned_data.get("host", ""))
            if name[1] and name in seen:
                form.add_error("host", f"{name[1]} is given twice.")
            seen.add(name)


class CommunityForm(FixedFieldsForm):
    """A community's form. Only its first master is chosen here; later ones take over in two steps."""

    class Meta:
        help_texts = {
            "is_active": "Switched off, none of its hosts is served. A community with a master cannot be deleted.",
            "slug": "Part of what its cookies are signed with: another one makes them all worthless.",
            "cookie_name": "Another one makes strangers of all present visitors.",
            "master": "The host with the cart, the checkout and the accounts: one exact host that is served. Later "
            "it changes by the two steps above.",
            "key_epoch": "Raised by one, every cookie of this community is worthless at its next request: people sign "
            "in again, and all others come back as strangers, with an empty cart. For a key "
            "or for cookies in wrong hands. It is never lowered: that would make old cookies good again.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "master" in self.fields:
            self.fields["master"].queryset = master_candidates(self.instance)  # type: ignore[attr-defined]  # a ModelChoiceField

    def clean_key_epoch(self) -> int:
        """Refuse a lower epoch."""
        epoch: int = self.cleaned_data["key_epoch"]
        kept = Community.objects.filter(pk=self.instance.pk).values_list("key_epoch", flat=True).first()
        if kept is not None and epoch < kept:
            raise ValidationError(f"{epoch} would make cookies good again that {kept} revoked; give {kept} or more.")
        return epoch


class NextMasterForm(forms.Form):
    """The choice of the next master."""

    domain = forms.ModelChoiceField(Domain.objects.none(), label="Next master")

    def __init__(self, community: Community, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["domain"].queryset = master_candidates(community)  # type: ignore[attr-defined]  # a ModelChoiceField
