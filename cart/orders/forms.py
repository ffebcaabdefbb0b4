"""The form with which vendor staff change a consignment."""

from __future__ import annotations

from typing import Any, NamedTuple

from django import forms
from django.utils import timezone

from cart.orders import packing
from cart.orders.models import Consignment

State = Consignment.State


class Step(NamedTuple):
    """Name a next state of a consignment, and the button that leads there."""

    to: State
    label: str
    is_next: bool = False


STEPS = {
    State.OPEN: [Step(State.PACKED, "Mark as packed", is_next=True), Step(State.SENT, "Mark as sent")],
    State.PACKED: [Step(State.SENT, "Mark as sent", is_next=True), Step(State.OPEN, "Undo: not packed")],
    State.SENT: [Step(State.DELIVERED, "It has arrived"), Step(State.PACKED, "Undo: not sent")],
}


def steps(consignment: Consignment) -> list[Step]:
    """Return the steps that staff can take with a consignment now."""
    following = STEPS.get(State(consignment.state), [])
    now = timezone.now()
    return [step for step in following if not packing.blocked_reasons([consignment], step.to, now)]


class ConsignmentForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """Change a consignment; the button that was pressed may say what it is now."""

    also_seen = ("state",)
    new_state = forms.ChoiceField(choices=State.choices, required=False)

    class Meta:
        model = Consignment
        fields = ["carrier", "tracking_number", "note"]

    def clean(self) -> dict[str, Any]:
        """Refuse a step that cannot be taken, with the reason."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if new_state := data.get("new_state"):
            reasons = packing.blocked_reasons([self.instance], State(new_state), timezone.now())
            for reason in reasons.values():
                self.add_error(None, reason)
        return data
