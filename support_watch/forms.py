"""The form that a shopper's page sends."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core import signing

from support_watch.visits import PageToken, read_token


class BeaconForm(forms.Form):
    """Validates ``token``, the page's signed token for this vendor, and ``number``, the count of its beacons."""

    token = forms.CharField(max_length=1200)
    number = forms.IntegerField(min_value=1, max_value=2**31 - 1)

    def __init__(self, data: Any, *, vendor_id: int) -> None:
        super().__init__(data)
        self.vendor_id = vendor_id

    def clean_token(self) -> PageToken:
        """Return the token's content."""
        try:
            token = read_token(self.cleaned_data["token"])
        except signing.BadSignature as error:
            raise forms.ValidationError("This token is not ours or has expired; load the page again.") from error
        if token.vendor_id != self.vendor_id:
            raise forms.ValidationError("This token belongs to another store.")
        return token
