"""The form by which people start a script of an agent's own list: its arguments, shared data, and how it is run."""

from __future__ import annotations

from typing import Any

from django import forms

from shipping.agent_scripts import LONGEST_ARGUMENT, OfferedScript, ScriptRefusedError, choices_in
from shipping.script_runs import LARGEST_DATA, Wish, new_key
from shipping.transports.agent import THREAD, WAIT

PREFIX = "argument-"
HOW = [
    (WAIT, "wait for it: stay on its page, and let the agent begin no other job before it has ended"),
    (THREAD, "in a thread: go on at once, and let the agent run other jobs beside it"),
]


class ScriptRunForm(forms.Form):
    """One script's arguments as the agent's list names them, with the shared data and the mode."""

    key = forms.CharField(widget=forms.HiddenInput, max_length=40)
    shared_data = forms.CharField(
        label="Shared data",
        required=False,
        max_length=LARGEST_DATA,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 4, "class": "vLargeTextField", "spellcheck": "false"}),
        help_text="Text that the script reads, once. It is deleted when the script has ended.",
    )
    mode = forms.ChoiceField(label="Run it", choices=HOW, initial=WAIT, widget=forms.RadioSelect)

    def __init__(self, *args: Any, script: OfferedScript, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.script = script
        self.initial["key"] = new_key()
        for name, pattern in script.arguments.items():
            self.fields[f"{PREFIX}{name}"] = _argument_field(name, pattern)
        self.order_fields([*(f"{PREFIX}{name}" for name in script.arguments), "shared_data", "mode", "key"])

    @property
    def arguments(self) -> dict[str, str]:
        """Return the arguments that were given, by name."""
        found = {name: self.cleaned_data.get(f"{PREFIX}{name}", "") for name in self.script.arguments}
        return {name: value for name, value in found.items() if value}

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        for name, value in self.arguments.items():
            try:
                self.script.check({name: value})
            except ScriptRefusedError as error:
                self.add_error(f"{PREFIX}{name}", str(error))
        return values

    @property
    def wish(self) -> Wish:
        """Return what the form asks for."""
        values = self.cleaned_data
        return Wish(self.script.name, self.arguments, values["mode"], values["shared_data"], values["key"])

    def refuse(self, error: ScriptRefusedError) -> None:
        """Show why the script was not started, at the field that is wrong."""
        for field in (f"{PREFIX}{error.argument}", error.argument):
            if field in self.fields:
                self.add_error(field, str(error))
                return
        self.add_error(None, str(error))


def _argument_field(name: str, pattern: str) -> forms.Field:
    label = name.replace("_", " ").capitalize()
    if words := choices_in(pattern):
        return forms.ChoiceField(label=label, required=False, choices=[("", "–"), *((word, word) for word in words)])
    field = forms.CharField(
        label=label, required=False, max_length=LONGEST_ARGUMENT, help_text=f"As the agent’s list says: {pattern}"
    )
    field.widget.attrs["class"] = "vTextField"
    return field
