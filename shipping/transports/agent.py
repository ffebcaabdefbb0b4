"""Jobs for a program at the department's own machine, which dials out: RunRemoteScript of the mall before."""

from __future__ import annotations

from django import forms
from django.core.validators import RegexValidator

from shipping.transports.base import PullTransport, RouteSettings

SCRIPT = r"^[a-z][a-z0-9_-]{0,39}$"
WAIT, THREAD = "wait", "thread"
MODES = [(WAIT, "wait for it before the next job"), (THREAD, "in a thread, beside other jobs")]


class AgentSettings(RouteSettings):
    script = forms.CharField(
        label="Script",
        initial="take_order",
        validators=[RegexValidator(SCRIPT, "A name has small letters, digits, - and _ only, 40 at most.")],
        help_text="Its name in the agent's own list (scripts.toml). The mall names it, and sends no code.",
    )
    mode = forms.ChoiceField(choices=MODES, label="Run it")


class AgentTransport(PullTransport):
    """Offers signed jobs to the department's agent; the order is shared data, read by key and deleted after use."""

    label = "job for an agent"
    description = (
        "A small program on the department's machine (mall-agent) dials out and runs a script of its own list for each"
        " order. The script is the department's; the mall only names it."
    )
    settings = AgentSettings
