"""A small DNS: a real name server on loopback (UDP and TCP), and a resolver without one, over zones that tests write.

A zone: ``{"a.test": {"TXT": ["text", ("of two ", "strings")], "A": [...], "AAAA": [...]}, "b.test": {"CNAME":
"a.test"}, "dead.test": SERVFAIL}``. A name that is not in it does not exist.
"""

from __future__ import annotations

import contextlib
import socketserver
import struct
import threading
from ipaddress import ip_address
from itertools import pairwise

from sessions_farm.communities.errors import ResolverUnavailableError

NXDOMAIN = "NXDOMAIN"
SERVFAIL = "SERVFAIL"
REFUSED = "REFUSED"
SILENCE = "SILENCE"
STRING = 255  # the most bytes of one string of a TXT record

ZONE = {}  # of a MemoryResolver that is made by its name in the settings: fill it, and clear it afterwards


class MemoryResolver:
    """Answers from a zone without a name server."""

    def __init__(self, zone=None):
        self.zone = ZONE if zone is None else zone

    def txt(self, name):
        return [b"".join(strings_of(text)).decode(errors="replace") for text in self.look(name, "TXT")]

    def addresses(self, name):
        return frozenset(str(ip_address(text)) for kind in ("A", "AAAA") for text in self.look(name, kind))

    def look(self, name, kind):
        chain, records = followed(self.zone, name)
        if records in (SERVFAIL, REFUSED, SILENCE):
            raise ResolverUnavailableError(f"The DNS gave no answer for {kind} of {name!r} ({records} of {chain[-1]}).")
        return [] if records == NXDOMAIN else records.get(kind, [])


class NameServer:
    """A recursive name server for one zone: ``with NameServer() as server: server.zone["a.test"] = ...``."""

    def __init__(self, zone=None):
        self.zone = {} if zone is None else zone
        self.asked = []  # (name, kind, "udp" or "tcp"), in order

    def __enter__(self):
        with contextlib.ExitStack() as running:
            tcp, udp = bound_pair()
            for server in (tcp, udp):
                running.enter_context(server)
                server.owner = self
                thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
                thread.start()
                running.callback(thread.join)
                running.callback(server.shutdown)
            self.running = running.pop_all()
        self.address = "{}:{}".format(*udp.server_address)
        return self

    def __exit__(self, *_raised):
        self.running.close()

    def answer(self, wire, way):
        """The bytes that answer a question; None says nothing."""
        import dns.flags  # noqa: PLC0415 -- dnspython is an extra
        import dns.message  # noqa: PLC0415 -- as above
        import dns.rcode  # noqa: PLC0415 -- as above
        import dns.rdatatype  # noqa: PLC0415 -- as above

        question = dns.message.from_wire(wire)
        asked = question.question[0]
        kind = dns.rdatatype.to_text(asked.rdtype)
        self.asked.append((asked.name.to_text(), kind, way))
        chain, records = followed(self.zone, asked.name.to_text())
        if records == SILENCE:
            return None
        answer = dns.message.make_response(question, recursion_available=True)
        if isinstance(records, str):
            answer.set_rcode(dns.rcode.from_text(records))
        answer.answer = list(rrsets(chain, kind, records))
        room = max(512, question.payload) if way == "udp" else 0
        return answer.to_wire(max_size=room, prefer_truncation=True)


def followed(zone, name):
    """The names from this one over its CNAMEs, and what is at the last: records, or one of the words above."""
    chain = [plain(name)]
    while isinstance(records := zone.get(chain[-1], NXDOMAIN), dict) and "CNAME" in records:
        target = plain(records["CNAME"])
        if target in chain:
            return chain, SERVFAIL  # as a recursive name server answers to a circle
        chain.append(target)
    return chain, records


def rrsets(chain, kind, records):
    import dns.rrset  # noqa: PLC0415 -- dnspython is an extra

    for alias, target in pairwise(chain):
        yield dns.rrset.from_text(f"{alias}.", 60, "IN", "CNAME", f"{target}.")
    if isinstance(records, dict) and (found := records.get(kind)):
        texts = [quoted(text) for text in found] if kind == "TXT" else found
        yield dns.rrset.from_text(f"{chain[-1]}.", 60, "IN", kind, *texts)


def plain(name):
    return name.lower().removesuffix(".")


def strings_of(text):
    """The strings of a TXT record, as bytes: of a tuple each by itself, of one text as many as it needs."""
    for part in text if isinstance(text, tuple) else (text,):
        whole = part if isinstance(part, bytes) else part.encode()
        for start in range(0, len(whole) or 1, STRING):
            yield whole[start : start + STRING]


def quoted(text):
    """A TXT record as zone files write it."""
    return " ".join('"' + "".join(f"\\{byte:03}" for byte in string) + '"' for string in strings_of(text))


class OverUdp(socketserver.BaseRequestHandler):
    def handle(self):
        wire, socket = self.request
        if (answer := self.server.owner.answer(wire, "udp")) is not None:
            socket.sendto(answer, self.client_address)


class OverTcp(socketserver.StreamRequestHandler):
    def handle(self):
        (length,) = struct.unpack("!H", self.rfile.read(2))
        if (answer := self.server.owner.answer(self.rfile.read(length), "tcp")) is not None:
            self.wfile.write(struct.pack("!H", len(answer)) + answer)


def bound_pair():
    """TCP and UDP on the same free port of loopback."""
    while True:
        tcp = socketserver.ThreadingTCPServer(("127.0.0.1", 0), OverTcp)
        try:
            return tcp, socketserver.ThreadingUDPServer(tcp.server_address, OverUdp)
        except OSError:  # another program's, as UDP
            tcp.server_close()
