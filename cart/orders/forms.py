"""What vendor staff may change of a consignment."""

from __future__ import annotations

from typing import Any

from django import forms

from cart.orders import states
from cart.orders.models import Consignment

MOVES = (Consignment.State.PACKED, Consignment.State.SENT, Consignment.State.DELIVERED)


class ConsignmentForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """Moves a consignment on, and refuses to if somebody else changed it since the page was opened."""

    move = forms.ChoiceField(label="Now it is", required=False)
    seen = forms.CharField(widget=forms.HiddenInput, required=False)

    class Meta:
        model = Consignment
        fields = ["carrier", "tracking_number"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        state = Consignment.State(self.instance.state)
        following = [(move.value, move.label) for move in MOVES if states.may_become(state, move)]
        self.fields["move"].choices = [("", f"{state.label} (no change)"), *following]  # type: ignore[attr-defined]  # a ChoiceField
        self.fields["seen"].initial = version_of(self.instance)

    def clean(self) -> dict[str, Any]:
        """Lock the row, so what is compared here is what is saved."""
        cleaned = super().clean() or {}
        row = Consignment.objects.select_for_update().get(pk=self.instance.pk)
        if cleaned.get("seen") != version_of(row):
            raise forms.ValidationError(
                f"Somebody else changed {row.number} while this page was open: it is “{row.get_state_display()}” now. "
                "Nothing was saved. Open it again."
            )
        return cleaned


def version_of(consignment: Consignment) -> str:
    return "|".join([consignment.state, consignment.carrier, consignment.tracking_number])
