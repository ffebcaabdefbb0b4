"""System checks of the engine: each message names a wrong setting and its cure. README.md lists the ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core import checks


@checks.register(checks.Tags.compatibility)
def check_settings(**_kwargs: Any) -> list[checks.CheckMessage]:
    """Check the settings by themselves, without asking any server."""
    from sessions_farm.checks import parts  # noqa: PLC0415 -- a process that serves pages needs none of them

    return parts.SCHEMA.wrong_container() + parts.SCHEMA.run(parts.PARTS)


@checks.register(checks.Tags.security, deploy=True)
def check_deployment(**_kwargs: Any) -> list[checks.CheckMessage]:
    """Check what only matters where real people's sessions are: with ``manage.py check --deploy``."""
    from sessions_farm.checks import parts  # noqa: PLC0415 -- a process that serves pages needs none of them

    return parts.SCHEMA.run(parts.PARTS_AT_DEPLOYMENT)


@checks.register(checks.Tags.database)
def check_servers(*, databases: Sequence[str] | None = None, **_kwargs: Any) -> list[checks.CheckMessage]:
    """Ask the servers for their versions: with ``manage.py check --database default``, and before migrations."""
    from sessions_farm.checks import parts  # noqa: PLC0415 -- a process that serves pages needs none of them

    return parts.SCHEMA.run(parts.PARTS_WITH_SERVERS) if databases else []
