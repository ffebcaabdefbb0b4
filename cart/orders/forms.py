"""The form with which vendor staff change a consignment."""

from __future__ import annotations

from typing import Any

from django import forms

from cart.orders import states
from cart.orders.models import Consignment

STAFF_STATES = (Consignment.State.PACKED, Consignment.State.SENT, Consignment.State.DELIVERED)


class ConsignmentForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """Change a consignment, and show its state."""

    also_seen = ("state",)
    new_state = forms.ChoiceField(label="Now it is", required=False)

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
