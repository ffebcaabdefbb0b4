"""Ports of this machine: free ones, and ports that the demo must have."""

import errno
import socket

from deploy.servers.processes import ServerError, free_port


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # one that is only closing may be taken
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as fault:
            if fault.errno in {errno.EADDRINUSE, errno.EACCES}:
                return False
            raise
    return True


def port_near(wanted: int) -> int:
    return wanted if is_free(wanted) else free_port()


def demand(port: int, wanted_by: str, way_out: str) -> None:
    """Raise ``ServerError`` with a way out where a port is taken."""
    if not is_free(port):
        raise ServerError(
            f"Port {port}, wanted by {wanted_by}, is taken by another program (or not allowed). {way_out}"
        )
