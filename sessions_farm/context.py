"""What a request knows of the mall: its community, its host and its visitor (``request.mall``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sessions_farm.communities import Member
    from sessions_farm.models import Visitor


@dataclass(slots=True)
class Mall:
    member: Member
    id: str | None = None

    @property
    def is_master(self) -> bool:
        return self.member.is_master

    @property
    def visitor(self) -> Visitor | None:
        raise NotImplementedError

    def ensure_visitor(self) -> Visitor:
        raise NotImplementedError
