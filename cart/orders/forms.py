"""The form with which vendor staff change a consignment."""

from __future__ import annotations

from typing import Any

from django import forms

from cart.orders import states
from cart.orders.models import Consignment

STAFF_STATES = (Consignment.State.PACKED, Consignment.State.SENT, Consignment.State.DELIVERED)


class ConsignmentForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """Change a consignment with optimistic locking: a form from before a colleague's change is rejected."""

    new_state = forms.ChoiceField(label="Now it is", required=False)
    version = forms.CharField(widget=forms.HiddenInput, required=False)

    class Meta:
        model = Consignment
        fields = ["carrier", "tracking_number"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        state = Consignment.State(self.instance.state)
        following = [
            (next_state.value, next_state.label)
            for next_state in STAFF_STATES
            if states.can_transition(state, next_state)
        ]
        self.fields["new_state"].choices = [("", f"{state.label} (no change)"), *following]  # type: ignore[attr-defined]  # a ChoiceField
        self.fields["version"].initial = consignment_version(self.instance)

    def clean(self) -> dict[str, Any]:
        """Compare the version under a row lock, so no change can come between check and save."""
        cleaned = super().clean() or {}
        row = Consignment.objects.select_for_update().get(pk=self.instance.pk)
        if cleaned.get("version") != consignment_version(row):
            raise forms.ValidationError(
                f"Somebody else changed {row.number} while this page was open: it is “{row.get_state_display()}” now. "
                "Nothing was saved. Open it again."
            )
        return cleaned


def consignment_version(consignment: Consignment) -> str:
    """Return the values that the form may overwrite, as the version for optimistic locking."""
    return "|".join([consignment.state, consignment.carrier, consignment.tracking_number])
