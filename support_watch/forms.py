"""The forms of shoppers' pages and of the desk."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.core import signing
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy

from support_watch.consent import Level
from support_watch.models import DeskKey, DeskSettings, WatchedPage
from support_watch.visits import PageToken, read_token

FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2100, 1, 1)
STATES = ("active", "idle", "away")


class BeaconForm(forms.Form):
    """Validates ``token``, the page's signed token, ``number``, the count of its beacons, and its ``state``.

    ``vendor_id`` is that of the store whose host is asked; None on the master, which has pages of all vendors.
    """

    token = forms.CharField(max_length=1500)
    number = forms.IntegerField(min_value=1, max_value=2**31 - 1)
    state = forms.ChoiceField(choices=[(state, state) for state in STATES], required=False)

    def __init__(self, data: Any, *, vendor_id: int | None) -> None:
        super().__init__(data)
        self.vendor_id = vendor_id

    def clean_token(self) -> PageToken:
        """Return the token's content."""
        try:
            token = read_token(self.cleaned_data["token"])
        except signing.BadSignature as error:
            raise forms.ValidationError("This token is not ours or has expired; load the page again.") from error
        if self.vendor_id not in {None, token.vendor_id}:
            raise forms.ValidationError("This token belongs to another store.")
        return token


class ConsentForm(forms.Form):
    """The shopper's choice of what shops' support people may see."""

    level = forms.TypedChoiceField(
        coerce=lambda text: Level(int(text)),
        choices=[
            (Level.PRESENCE, gettext_lazy("Only that somebody is here")),
            (Level.PAGES, gettext_lazy("The pages I look at, under a made-up name")),
            (Level.CART, gettext_lazy("That, and what I have in my cart from that shop")),
        ],
        widget=forms.RadioSelect,
        label=gettext_lazy("Support people of a shop may see"),
        error_messages={"required": gettext_lazy("Choose one of the three.")},
    )


class ClaimForm(forms.Form):
    """A visit to take or to let go, with a note for the others."""

    visit = forms.CharField(max_length=26)
    note = forms.CharField(max_length=200, required=False)


class DeskSettingsForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """Which pages a vendor has watched, and whether shoppers are greeted."""

    pages = forms.MultipleChoiceField(
        choices=WatchedPage.choices,
        widget=forms.CheckboxSelectMultiple,
        required=False,
        label="Pages that the desk sees",
    )

    class Meta:
        model = DeskSettings
        fields = ["pages", "greets"]


class KeyForm(forms.Form):
    """A new key of a vendor's own program."""

    name = forms.CharField(
        max_length=60, label="For which program?", error_messages={"required": "Say which program uses the key."}
    )
    scopes = forms.MultipleChoiceField(
        choices=DeskKey.Scope.choices,
        widget=forms.CheckboxSelectMultiple,
        label="It may read",
        error_messages={"required": "Choose one part or both."},
    )


class RevokeForm(forms.Form):
    """The key to revoke."""

    key = forms.IntegerField(min_value=1, max_value=2**63 - 1)


class HistoryForm(forms.Form):
    """The day and the words by which the history is searched."""

    day = forms.DateField(
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        validators=[MinValueValidator(FIRST_DAY), MaxValueValidator(LAST_DAY)],
    )
    q = forms.CharField(max_length=60, required=False, label="Search", strip=True)
    before = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1, widget=forms.HiddenInput)


class DeskFilterForm(forms.Form):
    """The words and the state by which the list of present visitors is filtered."""

    q = forms.CharField(max_length=60, required=False, label="Search", strip=True)
    show = forms.ChoiceField(
        choices=[("", "Everybody"), ("active", "Active"), ("idle", "Idle or away"), ("free", "Taken by nobody")],
        required=False,
        label="Show",
    )
