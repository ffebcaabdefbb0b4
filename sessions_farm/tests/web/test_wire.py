"""The way of a test's browser to running nodes leaves nothing open where an answer is cut off."""

import socket
import struct
import threading
from http.client import HTTPResponse
from urllib.parse import urlsplit

import pytest

from sessions_farm.testing.browser import Outgoing
from sessions_farm.testing.wire import Wire


def test_answer_that_is_cut_off_leaves_no_socket_open(monkeypatch):
    begun, begin = threading.Event(), HTTPResponse.begin

    def begin_and_tell(answer):
        begin(answer)
        begun.set()

    monkeypatch.setattr(HTTPResponse, "begin", begin_and_tell)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def cut_off():
            line, _ = server.accept()
            line.recv(65536)
            line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
            begun.wait(20)
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            line.close()  # with a reset, as a node's that is killed

        node = threading.Thread(target=cut_off)
        node.start()
        request = Outgoing("POST", urlsplit("http://shop.example/"), {}, b"", "127.0.0.1")
        with pytest.raises(ConnectionError) as refused:
            Wire(server.getsockname()[1]).send(request)
        node.join()
    frames = []
    trace = refused.value.__traceback__
    while trace:
        frames.append(trace.tb_frame.f_locals)
        trace = trace.tb_next
    answers = [each["answer"] for each in frames if "answer" in each]
    assert [answer.isclosed() for answer in answers] == [True]
