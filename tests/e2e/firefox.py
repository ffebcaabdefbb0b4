"""Drives the Firefox on PATH over WebDriver BiDi, for Playwright drives only a Firefox of its own make.

Firefox listens for it by itself where it gets ``--remote-debugging-port``, and then looks for no updates and such
(its ``remote.prefs.recommended``). W3C: webdriver-bidi.
"""

import itertools
import json
import os
import shutil
import signal
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from deploy.servers import processes

ON_PATH = ("firefox-esr", "firefox")
EVENTS = (
    "browsingContext.load",
    "browsingContext.navigationStarted",
    "log.entryAdded",
    "network.beforeRequestSent",
    "network.responseCompleted",
)
PATIENCE = 30  # seconds, for a busy machine
EVERY_NAME_IS_HERE = {"network.dns.forceResolve": "127.0.0.1"}


def find() -> str | None:
    return next(filter(None, map(shutil.which, ON_PATH)), None)


needed = pytest.mark.skipif(
    find() is None, reason="No Firefox on PATH: install the package firefox-esr (Debian) or firefox."
)


class BrowserError(Exception):
    """What Firefox answered instead of doing it."""


@dataclass(frozen=True)
class Visit:
    """A page that was loaded: its address, and the requests that led to it (redirects first)."""

    url: str
    status: int
    hops: tuple[str, ...]


class Firefox:
    def __init__(self, socket: ClientConnection):
        self._socket = socket
        self._numbers = itertools.count(1)
        self._events: list[dict] = []

    def call(self, method: str, **parameters) -> dict:
        """Return a command's result, and keep the events that come meanwhile. Raise BrowserError with its error."""
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = self._receive(PATIENCE)
            if message.get("id") != number:
                self._events.append(message)
            elif message["type"] == "error":
                raise BrowserError(f"{method}: {message['error']}: {message['message']}")
            else:
                return message["result"]

    def _receive(self, seconds: float) -> dict:
        return json.loads(self._socket.recv(timeout=seconds))

    def events(self, method: str, context: str) -> list[dict]:
        """What was told of a tab until now."""
        told = [event["params"] for event in self._events if event["method"] == method]
        return [event for event in told if (event.get("context") or event["source"].get("context")) == context]

    def wait_for(self, method: str, context: str, condition) -> dict:
        """The first event of a tab that ``condition`` likes, come or to come."""
        until = time.monotonic() + PATIENCE
        while True:
            for event in self.events(method, context):
                if condition(event):
                    return event
            self._events.append(self._receive(max(0.1, until - time.monotonic())))

    def new_tab(self) -> "Tab":
        return Tab(self, self.call("browsingContext.create", type="tab")["context"])

    def cookies(self) -> list[dict[str, str]]:
        """``name``, ``domain`` and ``value`` of each cookie, as Playwright gives them."""
        found = self.call("storage.getCookies")["cookies"]
        return [{"name": c["name"], "domain": c["domain"], "value": c["value"]["value"]} for c in found]

    def forget_cookies(self) -> None:
        self.call("storage.deleteCookies")


class Tab:
    def __init__(self, firefox: Firefox, context: str):
        self._firefox, self.context = firefox, context

    def type_address(self, url: str) -> Visit:
        """Go to an address as if it was typed."""
        answer = self._firefox.call("browsingContext.navigate", context=self.context, url=url, wait="complete")
        return self._visit(answer["navigation"])

    def follow(self, text: str, role: str = "link") -> Visit:
        """Press a link, or a button, by its words, and see the page that comes."""
        link = self._find(text, role)
        mouse = [
            {"type": "pointerMove", "x": 0, "y": 0, "origin": {"type": "element", "element": link}},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        started = "browsingContext.navigationStarted"
        before = {event["navigation"] for event in self._firefox.events(started, self.context)}
        actions = [{"type": "pointer", "id": "mouse", "actions": mouse}]
        self._firefox.call("input.performActions", context=self.context, actions=actions)
        begun = self._firefox.wait_for(started, self.context, lambda event: event["navigation"] not in before)
        return self._visit(begun["navigation"])

    def _find(self, text: str, role: str) -> dict:
        """The first link or button with these words, brought into sight."""
        locator = {"type": "accessibility", "value": {"role": role, "name": text}}
        nodes = self._firefox.call("browsingContext.locateNodes", context=self.context, locator=locator)["nodes"]
        assert nodes, f"There is no {role} “{text}” on {self.url}."
        link = {"sharedId": nodes[0]["sharedId"]}
        self._firefox.call(
            "script.callFunction",
            functionDeclaration="(link) => link.scrollIntoView({block: 'center', behavior: 'instant'})",
            arguments=[link],
            target={"context": self.context},
            awaitPromise=False,
        )
        return link

    def go(self, steps: int) -> None:
        """Back (-1) or forward (1) in the tab's history, until a page is there; one that was kept is not loaded."""
        before = self.url
        self._firefox.call("browsingContext.traverseHistory", context=self.context, delta=steps)
        until = time.monotonic() + PATIENCE
        while not self._has_left(before):
            assert time.monotonic() < until, f"Waited {PATIENCE} s in vain for another page than {before}."
            time.sleep(0.05)

    def _has_left(self, url: str) -> bool:
        return self.holds(f"document.readyState === 'complete' && location.href !== {json.dumps(url)}")

    def holds(self, condition: str) -> bool:
        """Whether a condition is true now; it is not where the page goes while it is asked."""
        try:
            return self.evaluate(condition) is True
        except BrowserError:
            return False

    def evaluate(self, expression: str):
        answer = self._firefox.call(
            "script.evaluate", expression=expression, target={"context": self.context}, awaitPromise=True
        )
        if answer["type"] == "exception":
            raise BrowserError(f"{expression}: {answer['exceptionDetails']['text']}")
        return answer["result"].get("value")

    def close(self) -> None:
        self._firefox.call("browsingContext.close", context=self.context)

    @property
    def url(self) -> str:
        return self.evaluate("location.href")

    @property
    def faults(self) -> list[str]:
        """What the tab's console complained of."""
        told = self._firefox.events("log.entryAdded", self.context)
        return [entry["text"] for entry in told if entry["level"] == "error"]

    def _visit(self, navigation: str) -> Visit:
        """What a navigation led to, once its page is loaded."""

        def is_its_own(event: dict) -> bool:
            return event["navigation"] == navigation

        self._firefox.wait_for("browsingContext.load", self.context, is_its_own)
        sent = self._firefox.events("network.beforeRequestSent", self.context)
        hops = tuple(event["request"]["url"] for event in sent if is_its_own(event))
        answer = self._firefox.wait_for(
            "network.responseCompleted",
            self.context,
            lambda event: is_its_own(event) and event["redirectCount"] == len(hops) - 1,
        )
        return Visit(hops[-1], answer["response"]["status"], hops)


@contextmanager
def running_firefox(folder: Path, **preferences):
    """Run a Firefox with a profile of its own in ``folder``; further ``preferences`` have _ where Firefox has a dot."""
    program = find()
    assert program, "There is no Firefox; ask find() first."
    profile = folder / "profile"
    profile.mkdir(parents=True)
    write_preferences(profile, {name.replace("_", "."): value for name, value in preferences.items()})
    port = processes.free_port()
    process = processes.start(
        [program, "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", str(port)],
        log=folder / "firefox.log",
        last_signal=signal.SIGTERM,
        environment=os.environ | {"HOME": str(folder), "MOZ_CRASHREPORTER_DISABLE": "1"},
    )
    try:
        with dial(process, port, folder / "firefox.log") as socket:
            firefox = Firefox(socket)
            firefox.call("session.new", capabilities={"alwaysMatch": {"acceptInsecureCerts": True}})
            firefox.call("session.subscribe", events=EVENTS)
            yield firefox
    finally:
        processes.stop(process, signal.SIGTERM, seconds=10)


def write_preferences(profile: Path, preferences: dict) -> None:
    everything = EVERY_NAME_IS_HERE | preferences
    lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in everything.items())
    (profile / "user.js").write_text("".join(lines))


def dial(process, port: int, log: Path) -> ClientConnection:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return connect(f"ws://127.0.0.1:{port}/session", max_size=None, open_timeout=5, close_timeout=1)
        except (OSError, InvalidStatus):  # it listens a moment before it knows the path
            assert process.poll() is None, f"Firefox does not start:\n{log.read_text()}"
            assert time.monotonic() < until, f"Firefox does not listen after {PATIENCE} s:\n{log.read_text()}"
            time.sleep(0.1)
