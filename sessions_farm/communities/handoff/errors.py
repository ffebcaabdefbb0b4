"""The errors of a hand-off; the package's docstring has their tree."""

from __future__ import annotations

from sessions_farm.communities.handoff.audit import RefusalReason


class HandoffError(Exception):
    """Any error of a hand-off."""


class HandoffRefusedError(HandoffError):
    """A request to an endpoint lacks a proof, or holds one that does not fit."""

    def __init__(self, reason: RefusalReason, detail: str = "") -> None:
        super().__init__(detail or reason.value)
        self.reason = reason


class InvalidStateError(HandoffRefusedError):
    """A state that this community did not seal for this host."""

    def __init__(self, detail: str) -> None:
        super().__init__(RefusalReason.INVALID_STATE, detail)


class ProbeSetupError(HandoffError):
    """A health probe is set up wrongly, so its failure tells nothing about the host."""
