"""The pytest plugin: Django's stock test clients, and pytest-django's, log in and keep sessions."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session", autouse=True)
def _stock_clients_keep_sessions() -> None:
    from django.conf import settings  # noqa: PLC0415 -- other plugins set up Django first

    if settings.configured:
        from sessions_farm.testing.stock_clients import install  # noqa: PLC0415 -- as above

        install()
