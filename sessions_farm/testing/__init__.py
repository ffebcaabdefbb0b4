"""Clients for tests of what stands on the farm."""

from sessions_farm.testing.browser import BrowserClient

__all__ = ["BrowserClient"]
