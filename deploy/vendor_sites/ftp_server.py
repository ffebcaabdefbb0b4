"""A shipping department's FTP server with one user: encrypted (explicit TLS) where it has a certificate.

    python ftp_server.py --port 2121 --root ./files --user thistle --password-file ./password
    python ftp_server.py … --certificate chain.pem --certificate-key key.pem        TLS, and nothing without it

Needs Python and pyftpdlib; for TLS also pyOpenSSL.
"""

import argparse
import logging
import signal
import sys
from pathlib import Path

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import FTPServer

FOLDERS = ("inbox", "inbox/done")


def handler_of(options: argparse.Namespace) -> type[FTPHandler]:
    if not options.certificate:
        return type("Handler", (FTPHandler,), {})
    from pyftpdlib.handlers import TLS_FTPHandler  # noqa: PLC0415 -- without TLS it needs no pyOpenSSL

    own = {"certfile": str(options.certificate), "keyfile": str(options.certificate_key)}
    return type("Handler", (TLS_FTPHandler,), own | {"tls_control_required": True, "tls_data_required": True})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--user", required=True)
    parser.add_argument("--password-file", type=Path, required=True)
    parser.add_argument("--certificate", type=Path)
    parser.add_argument("--certificate-key", type=Path)
    options = parser.parse_args()
    for folder in FOLDERS:
        (options.root / folder).mkdir(parents=True, exist_ok=True)
    logging.basicConfig(level=logging.WARNING)
    authorizer = DummyAuthorizer()
    authorizer.add_user(options.user, options.password_file.read_text().strip(), str(options.root), perm="elradfmwMT")
    handler = handler_of(options)
    handler.authorizer = authorizer
    handler.banner = "A shipping department"
    server = FTPServer((options.host, options.port), handler)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    print(f"listening on ftp://{options.host}:{server.address[1]}", flush=True)
    server.serve_forever(handle_exit=False)


if __name__ == "__main__":
    main()
