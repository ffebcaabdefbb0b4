"""The shapes of the pickup API's requests and responses."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import ConfigDict, Field

from cart.orders.tracking import LONGEST
from shipping.agent_scripts import ARGUMENT, LONGEST_PATTERN, LONGEST_RUN, MOST_ARGUMENTS, MOST_SCRIPTS
from shipping.script_runs import LARGEST_OUTPUT
from shipping.transports.agent import SCRIPT

MOST = 100
LARGEST = 2**63 - 1
TEXT = r"^[^\x00-\x1f\x7f-\x9f]*$"
OUTPUT = r"^[^\x00-\x08\x0b-\x1f\x7f-\x9f]*$"
"""Lines of text, with tabs."""

Argument = Annotated[str, Field(max_length=40, pattern=ARGUMENT)]
Pattern = Annotated[str, Field(max_length=LONGEST_PATTERN, pattern=TEXT)]
Short = Annotated[str, Field(max_length=LONGEST, pattern=TEXT)]


class StrictSchema(Schema):
    """A request in which an unknown member is a mistake."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Problem(Schema):
    """Why a request was refused."""

    detail: Any


class LeaseRequest(StrictSchema):
    """The wish for orders."""

    most: int = Field(20, ge=1, le=MOST, description="Orders at most.")


class Leased(Schema):
    """An order that was leased, or is listed."""

    key: str = Field(description="Its name: put it into an inbox in the transaction of your work.")
    consignment: str
    revision: int
    action: Literal["ship", "amend", "cancel"]
    sha256: str = Field(description="Of the signed content, without its envelope.")
    document: str = Field(description="The address of the signed document.")
    slip: str = Field(description="The address of the packing slip, a PDF.")


class Leases(Schema):
    """Orders for this program, to be acknowledged before the lease ends."""

    lease_until: datetime
    dispatches: list[Leased]


class Listed(Leased):
    """An order of the manifest, with its state."""

    state: str
    acknowledged_at: datetime | None


class Manifest(Schema):
    """A part of all orders, oldest first; ``next`` leads on, and is null at the end."""

    dispatches: list[Listed]
    next: int | None


class Acknowledgement(StrictSchema):
    """The word that an order was taken, under the program's sign-in."""

    outcome: Literal["applied", "duplicate", "older", "already sent", "rejected"]
    sha256: str = Field("", max_length=64, pattern="^([0-9a-f]{64})?$", description="Of the content that was taken.")
    reason: str = Field("", max_length=200, pattern=TEXT, description="Why it was rejected.")


class Acknowledged(Schema):
    """The state of an order after an acknowledgement."""

    key: str
    state: str


class SignedDocument(StrictSchema):
    """A document in an envelope of DSSE."""

    payload: str
    payloadType: str  # noqa: N815 -- DSSE's name
    signatures: list[dict[str, str]] = Field(max_length=8)


class SentGoods(StrictSchema):
    """The word that goods went out."""

    carrier: Short = ""
    tracking_number: Short = ""


class Sent(Schema):
    """The state of a consignment after that word."""

    consignment: str
    changed: bool


class Jobs(Schema):
    """Signed jobs for the department's agent."""

    jobs: list[SignedDocument]


class JobFailure(StrictSchema):
    """The word of an agent that a job did not end well."""

    outcome: Literal["failed", "refused", "missing"]
    detail: str = Field("", max_length=200, pattern=TEXT)


class Used(StrictSchema):
    """What an agent's script did with shared data before it is deleted."""

    outcome: Literal["applied", "duplicate", "older", "already sent"] = "applied"


class AgentScript(StrictSchema):
    """An entry of an agent's own list."""

    name: Annotated[str, Field(max_length=40, pattern=SCRIPT)]
    about: str = Field("", max_length=200, pattern=TEXT, description="A sentence for the people who start it.")
    by_hand: bool = Field(default=False, description="People may start it; else it takes orders only.")
    seconds: int = Field(60, ge=1, le=LONGEST_RUN, description="The longest that the agent lets it run.")
    arguments: dict[Argument, Pattern] = Field(
        default_factory=dict, max_length=MOST_ARGUMENTS, description="Patterns by name."
    )


class AgentScripts(StrictSchema):
    """The list of an agent, which it says every minute or at each look."""

    scripts: list[AgentScript] = Field(max_length=MOST_SCRIPTS)
    every: float = Field(0, ge=0, le=7 * 24 * 3600, description="Seconds between two looks of the agent.")


class Known(Schema):
    """The number of scripts that people may start."""

    by_hand: int


class RunEnd(StrictSchema):
    """The word of an agent on a script that a person started."""

    outcome: Literal["done", "failed", "refused"]
    exit_code: int | None = Field(None, ge=-1000, le=1000)
    output: str = Field("", max_length=LARGEST_OUTPUT, pattern=OUTPUT, description="The beginning of what it printed.")
    detail: str = Field("", max_length=200, pattern=TEXT)


class Run(Schema):
    """The state of a run after a word on it."""

    key: str
    state: str
