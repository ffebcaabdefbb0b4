"""The scripts that an agent offers: its own list as it says it, and the checks of what people type for one of them.

The list is foreign text. Its patterns are compiled and applied here only where they are plain: no groups, few
repetitions. What the mall does not check, the agent does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

from shipping.models import AgentList, Department, Route
from shipping.transports.agent import SCRIPT

TRANSPORT = "agent"
MOST_SCRIPTS = 50
MOST_ARGUMENTS = 20
LONGEST_PATTERN = 200
LONGEST_ARGUMENT = 200
LONGEST_RUN = 24 * 3600
ARGUMENT = r"^[a-z][a-z0-9_]{0,39}$"

SILENT = timedelta(minutes=3)
"""An agent that was silent for longer, or for three of its own pauses, is away."""

_LETTER = r"(?:\\[dws.+*?()\[\]{}|^$\\/-]|\[\^?(?:\\.|[^\[\]\\])+\]|[\w .,:;/@%&=~!\"'<>#-])"
PLAIN = re.compile(rf"(?:{_LETTER}(?:\{{\d{{1,3}}(?:,\d{{1,3}})?\}}|[?*+])?|\|)*", re.ASCII)
REPEATED = re.compile(r"(?<!\\)(?:[?*+]|\{\d+,\d+\})")
MOST_REPEATED = 3
"""With more, and text of 200 letters, a pattern may take longer than a page."""
WORDS = re.compile(r"[\w-]{1,60}(?:\|[\w-]{1,60}){1,30}", re.ASCII)


class ScriptRefusedError(ValueError):
    """A script cannot be started on an agent now, or not with these arguments; ``argument`` names the wrong one."""

    def __init__(self, message: str, argument: str = "") -> None:
        super().__init__(message)
        self.argument = argument


@dataclass(frozen=True, slots=True)
class OfferedScript:
    """An entry of an agent's list. ``by_hand``: people may start it; ``arguments`` are patterns by name."""

    name: str
    about: str = ""
    by_hand: bool = False
    seconds: int = 60
    arguments: dict[str, str] = field(default_factory=dict)

    def check(self, arguments: Mapping[str, str]) -> None:
        """Raise ScriptRefusedError for arguments that the list does not allow, as far as the mall can tell."""
        for name, value in arguments.items():
            if name not in self.arguments:
                raise ScriptRefusedError(f"{self.name} has no argument {name}.", name)
            if len(value) > LONGEST_ARGUMENT or not fits(self.arguments[name], value):
                raise ScriptRefusedError(f"It must be as the agent’s list says: {self.arguments[name]}", name)


def fits(pattern: str, value: str) -> bool:
    """Return False where a plain pattern excludes a value; the agent judges the others."""
    if not is_plain(pattern):
        return True
    try:
        return re.fullmatch(pattern, value) is not None
    except re.error:
        return True


def is_plain(pattern: str) -> bool:
    """Return True for a pattern that takes no time worth mention, whatever it is applied to."""
    few = len(REPEATED.findall(pattern)) <= MOST_REPEATED
    return few and len(pattern) <= LONGEST_PATTERN and PLAIN.fullmatch(pattern) is not None


def choices_in(pattern: str) -> list[str]:
    """Return the words of a pattern that is nothing but alternatives."""
    return pattern.split("|") if WORDS.fullmatch(pattern) else []


def record_list(*, vendor_id: int, scripts: Iterable[OfferedScript], every: float, now: datetime) -> bool:
    """Keep the list that a vendor's agent has said; False where the vendor has no route to an agent."""
    route = Route.objects.filter(department__vendor=vendor_id, transport=TRANSPORT).first()
    if route is None:
        return False
    said = {"scripts": [asdict(script) for script in scripts], "every": every, "seen_at": now}
    AgentList.objects.update_or_create(department_id=route.department_id, defaults=said)
    return True


def scripts_of(agent_list: AgentList | None) -> dict[str, OfferedScript]:
    """Return the scripts of a list by name; none where no agent has been heard of."""
    entries = agent_list.scripts if agent_list is not None else []
    return {entry["name"]: OfferedScript(**entry) for entry in entries}


def list_of(department: Department) -> AgentList | None:
    """Return the list that the department's agent said last."""
    return AgentList.objects.filter(department=department).first()


def is_away(agent_list: AgentList | None, now: datetime) -> bool:
    """Return True where the agent was not heard of for a while, or never."""
    if agent_list is None:
        return True
    return now - agent_list.seen_at > max(SILENT, timedelta(seconds=3 * agent_list.every))


def is_name(text: str) -> bool:
    """Return True for a name that a script may have."""
    return re.fullmatch(SCRIPT, text) is not None
