"""The transports to shipping departments: one class a module, listed here."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shipping.transports.base import Transport

CLASSES = {
    "http": "shipping.transports.http.HttpTransport",
    "email": "shipping.transports.email.EmailTransport",
    "sftp": "shipping.transports.sftp.SftpTransport",
}


def get_transport(name: str) -> type[Transport]:
    """Return the class of a transport; raise KeyError for an unknown one."""
    module, _, found = CLASSES[name].rpartition(".")
    transport: type[Transport] = getattr(import_module(module), found)
    return transport


def choices() -> list[tuple[str, str]]:
    """Return the names of the transports with their labels, as a field's choices."""
    return [(name, get_transport(name).label) for name in CLASSES]
