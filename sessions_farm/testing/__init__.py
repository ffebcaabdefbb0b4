"""Clients for tests of what stands on the farm."""

from sessions_farm.testing.browser import BrowserClient
from sessions_farm.testing.client import Client

__all__ = ["BrowserClient", "Client"]
