"""A server that speaks enough of Redis's protocol to tell its version."""

from __future__ import annotations

import socketserver
import threading


class Answers(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        while line := self.rfile.readline():
            words = [self._word() for _ in range(int(line[1:]))]
            self.wfile.write(self.server.answer(words))

    def _word(self) -> bytes:
        length = int(self.rfile.readline()[1:])
        return self.rfile.read(length + 2)[:length]


class RedisOfVersion(socketserver.ThreadingTCPServer):
    """Use it as a context manager, which gives the URL."""

    daemon_threads = allow_reuse_address = True

    def __init__(self, version: str) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.version = version

    def answer(self, words: list[bytes]) -> bytes:
        if words[0].upper() == b"HELLO":
            return b"%1\r\n$5\r\nproto\r\n:3\r\n"
        if words[0].upper() != b"INFO":
            return b"+OK\r\n"
        text = f"# Server\r\nredis_version:{self.version}\r\n".encode()
        return b"$%d\r\n%s\r\n" % (len(text), text)

    def __enter__(self) -> str:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return f"redis://127.0.0.1:{self.server_address[1]}/0"

    def __exit__(self, *_args: object) -> None:
        self.shutdown()
        self.server_close()
