"""The transports to shipping departments: one class a module, listed here."""

from __future__ import annotations

from importlib import import_module

from shipping.transports.base import PushTransport, Transport

CLASSES = {
    "http": "shipping.transports.http.HttpTransport",
    "email": "shipping.transports.email.EmailTransport",
    "sftp": "shipping.transports.files.sftp.SftpTransport",
    "ftps": "shipping.transports.files.ftp.FtpsTransport",
    "ftp": "shipping.transports.files.ftp.FtpTransport",
    "pull_http": "shipping.transports.pull_http.PullHttpTransport",
    "pull_ftp": "shipping.transports.pull_ftp.PullFtpTransport",
    "agent": "shipping.transports.agent.AgentTransport",
}


def get_transport(name: str) -> type[Transport]:
    """Return the class of a transport; raise KeyError for an unknown one."""
    module, _, found = CLASSES[name].rpartition(".")
    transport: type[Transport] = getattr(import_module(module), found)
    return transport


def choices() -> list[tuple[str, str]]:
    """Return the names of the transports with their labels, as a field's choices."""
    return [(name, get_transport(name).label) for name in CLASSES]


def names_of(kind: type[Transport]) -> list[str]:
    """Return the names of the transports of a kind: push, pull, collect."""
    return [name for name in CLASSES if issubclass(get_transport(name), kind)]


def get_push_transport(name: str) -> type[PushTransport]:
    """Return the class of a transport by which the mall sends; raise TypeError for a pulled one."""
    found = get_transport(name)
    if not issubclass(found, PushTransport):
        raise TypeError(f"Nothing is sent over {name}: the department's program comes for it.")
    return found
