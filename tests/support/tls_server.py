"""The mall over TLS in a thread of this process, for programs that speak to nothing else."""

import ssl
import threading
from contextlib import contextmanager

from django.core.handlers.wsgi import WSGIHandler
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler


class QuietHandler(WSGIRequestHandler):
    def log_message(self, *_args):
        """Nothing: tests read no log."""


class TlsServer(ThreadedWSGIServer):
    daemon_threads = True

    def __init__(self, tls):
        super().__init__(("127.0.0.1", 0), QuietHandler)
        self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.base_environ["HTTPS"] = "on"
        self.set_app(WSGIHandler())


@contextmanager
def running_tls_server(certificate, key):
    """The port on which it listens while the block lasts, with a certificate's and a key's file."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    server = TlsServer(tls)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
