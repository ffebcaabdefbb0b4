"""Runs scripts of this machine's own list when the mall asks for them: RunRemoteScript, turned around.

    mall-agent --keys keys --scripts scripts.toml --seen agent.sqlite https://mall.example/ship/v1/

The agent dials out; nothing here is open to the Internet. A job is signed over all of it, and is refused where the key
is another's, where it is of another shop, not of now, or was seen before, and where its script is not in the list:

    [take_order]
    command = ["/opt/mall/bin/python", "/opt/mall/take_order.py", "/opt/mall/orders.sqlite", "/opt/mall/keys"]
    sha256 = "the digest of the program's file; leave it out to trust the file"
    program = "/opt/mall/take_order.py"
    seconds = 60
    arguments = {action = "ship|amend|cancel", revision = "[0-9]{1,5}"}

    [stock_report]
    about = "Counts the goods on a shelf."
    by_hand = true
    command = ["/opt/mall/stock_report"]
    arguments = {shelf = "[A-Z][0-9]{1,3}"}

A script gets JSON on its standard input: the job, the key, the arguments, and the shared data under ``data``. It gets
no shell, no environment of the agent's, and nothing of the mall's but that. One that takes orders gets a signed order;
it ends with 0 and prints an outcome (applied, duplicate, older, already sent); the shared data is then deleted, which
acknowledges the order. Any other end, and the mall offers the job again.

With ``by_hand = true`` the shop's people may start it from the mall's admin, which shows them its end and the first
16 kB of its output. Its shared data is text that they gave along, and is handed out once: so such a script runs once or
not at all. Needs only Python and the modules beside it.
"""

import argparse
import contextlib
import hashlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import tomllib
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from mall_client import Mall, MallError, path_of
from signed_document import JOB, SHARED, ForgedDocumentError, KeyFile, load_object, printable, verify

CLOCK = 300  # seconds that the mall's clock and ours may differ
MOST_OUTPUT = 16_000
SAY_EVERY = 60  # seconds between two words to the mall of what is in the list
MOST_ARGUMENT = 200
THREADS = 4
PASSING = (MallError, OSError, sqlite3.OperationalError)
OUTCOMES = {"applied", "duplicate", "older", "already sent"}
ROOT = re.compile(r"csg_[0-9a-f]{32}_r[1-9][0-9]{0,4}")
RUN = re.compile(r"run_[0-9a-f]{32}")  # the shared data of a script that a person started
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
MEMBERS = {"v", "job", "vendor", "script", "mode", "args", "key", "nbf", "exp", "nonce"}


class RefusedJobError(ValueError):
    """A job is not to be run here."""


class SeenJobs:
    """The jobs that were begun, in a file; none of them is run again. And the ends that the mall has not heard yet."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(self._connect()) as books:
            books.execute(
                "CREATE TABLE IF NOT EXISTS jobs"
                " (job TEXT PRIMARY KEY, nonce TEXT UNIQUE, script TEXT, begun_at TEXT, ended TEXT)"
            )
            books.execute("CREATE TABLE IF NOT EXISTS ends (key TEXT PRIMARY KEY, document TEXT NOT NULL)")

    def begin(self, job: dict) -> bool:
        """Write a job down before it runs; False where its name or its nonce is there."""
        with closing(self._connect()) as books:
            row = (job["job"], job["nonce"], job["script"], datetime.now(UTC).isoformat())
            return books.execute("INSERT OR IGNORE INTO jobs VALUES (?, ?, ?, ?, '')", row).rowcount == 1

    def end(self, job: dict, outcome: str) -> None:
        with closing(self._connect()) as books:
            books.execute("UPDATE jobs SET ended = ? WHERE job = ?", (outcome, job["job"]))

    def keep_end(self, key: str, document: dict) -> None:
        """Keep the end of a run until the mall has heard of it."""
        with closing(self._connect()) as books:
            books.execute("INSERT OR REPLACE INTO ends VALUES (?, ?)", (key, json.dumps(document)))

    def ends(self) -> list[tuple[str, dict]]:
        with closing(self._connect()) as books:
            found = books.execute("SELECT key, document FROM ends ORDER BY rowid").fetchall()
        return [(key, json.loads(document)) for key, document in found]

    def forget_end(self, key: str) -> None:
        with closing(self._connect()) as books:
            books.execute("DELETE FROM ends WHERE key = ?", (key,))

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, timeout=10, isolation_level=None)


class Script:
    """One entry of scripts.toml."""

    def __init__(self, entry: dict) -> None:
        self.command = [str(word) for word in entry["command"]]
        self.program = Path(entry.get("program", self.command[0]))
        self.sha256 = str(entry.get("sha256", ""))
        self.seconds = float(entry.get("seconds", 60))
        self.about = str(entry.get("about", ""))
        self.by_hand = entry.get("by_hand", False) is True
        self.arguments = {name: re.compile(pattern) for name, pattern in entry.get("arguments", {}).items()}

    def check(self, arguments: object) -> None:
        """Raise RefusedJobError for other arguments than the list allows, and for a program that was changed."""
        if not isinstance(arguments, dict) or not set(arguments) <= set(self.arguments):
            raise RefusedJobError("it has arguments that the list does not name")
        for name, value in arguments.items():
            text = str(value)
            if isinstance(value, (dict, list)) or len(text) > MOST_ARGUMENT or not self.arguments[name].fullmatch(text):
                raise RefusedJobError(f"its argument {printable(name)} is not as the list says")
        if self.sha256 and hashlib.sha256(self.program.read_bytes()).hexdigest() != self.sha256:
            raise RefusedJobError("the program's file is another than the list's digest says")

    def take_order(self, job: dict, data: bytes) -> str:
        """Run it over an order; its outcome. Raise OSError where it fails."""
        code, said = self.run(job, data.decode(), subprocess.DEVNULL)
        outcome = said.strip().lower()
        if code or outcome not in OUTCOMES:
            raise OSError(f"it ended with {code} and said {printable(outcome[:80])!r}")
        return outcome

    def run(self, job: dict, data: str, errors: int) -> tuple[int, str]:
        """Run it without a shell and without our environment; its exit code and its output, cut. Raise OSError."""
        sent = json.dumps({"job": job["job"], "key": job["key"], "args": job["args"], "data": data})
        with subprocess.Popen(  # noqa: S603 -- a command of this machine's own list
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, bufsize=0,
            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}, cwd="/", start_new_session=True,
        ) as process:  # fmt: skip
            talk = Talk(process, sent.encode())
            ended = talk.wait(self.seconds)
            if not ended:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)  # it, and whatever it has started
            process.wait()
        if not ended:
            raise OSError(f"it did not end within {self.seconds:.0f} seconds")
        return process.returncode, talk.said.decode(errors="replace")


class Talk:
    """What a script is given and what it prints, of which no more is kept than is said on."""

    def __init__(self, process: subprocess.Popen, sent: bytes) -> None:
        self.process, self.sent, self.said = process, sent, bytearray()
        self.threads = [threading.Thread(target=each, daemon=True) for each in (self.write, self.read)]
        for thread in self.threads:
            thread.start()

    def write(self) -> None:
        with contextlib.suppress(OSError):  # a script need not read it
            left = memoryview(self.sent)
            while left:
                left = left[self.process.stdin.write(left) :]
            self.process.stdin.close()

    def read(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            while chunk := self.process.stdout.read(65536):
                self.said += chunk[: MOST_OUTPUT - len(self.said)]

    def wait(self, seconds: float) -> bool:
        """Wait for its end, and the end of its output; False where the time is over before."""
        closes = time.monotonic() + seconds
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        self.threads[1].join(max(0.1, closes - time.monotonic()))
        return not self.threads[1].is_alive()


def read_scripts(path: Path) -> dict[str, Script]:
    """The list of this machine; raise SystemExit where it cannot be used."""
    try:
        return {name: Script(entry) for name, entry in tomllib.loads(path.read_text(encoding="utf-8")).items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, re.error) as error:
        raise SystemExit(f"The list of scripts {path} cannot be used: {error!r}") from error


class Agent:
    """Checks jobs and runs them, in a thread or waited for, as each job says."""

    def __init__(self, mall: Mall, keys: KeyFile, scripts: dict[str, Script], seen: SeenJobs) -> None:
        self.mall, self.keys, self.scripts, self.seen = mall, keys, scripts, seen
        self.vendor = keys.of(mall.vendor).vendor
        self.turn = threading.BoundedSemaphore(THREADS)
        self.threads: list[threading.Thread] = []
        self.said_at = float("-inf")

    def look(self, every: float = 0) -> int:
        """Say what is in the list, fetch jobs and run them; how many there were."""
        self.say_ends()
        self.say_scripts(every)
        jobs = self.mall.ask_list("POST", "jobs", "jobs", {"most": THREADS})
        for document in jobs:
            self.take(json.dumps(document).encode())
        return len(jobs)

    def say_scripts(self, every: float) -> None:
        """Tell the mall which scripts people may start, and that we are here: once a minute."""
        if time.monotonic() - self.said_at < SAY_EVERY:
            return
        scripts = [
            {
                "name": name,
                "about": printable(script.about)[:200],
                "by_hand": script.by_hand,
                "seconds": max(1, round(script.seconds)),
                "arguments": {word: pattern.pattern for word, pattern in script.arguments.items()},
            }
            for name, script in self.scripts.items()
        ]
        try:
            self.mall.ask("PUT", "agent", {"scripts": scripts, "every": every})
        except MallError as error:
            if error.status not in {404, 422}:
                raise
            print(f"the mall does not take the list of scripts: {printable(error)}", file=sys.stderr, flush=True)
        self.said_at = time.monotonic()  # orders come all the same

    def say_ends(self) -> None:
        """Tell the mall of the ends that it has not heard of."""
        for key, document in self.seen.ends():
            try:
                self.mall.ask("POST", path_of("runs", key, "end"), document)
            except MallError as error:
                if error.status not in {404, 422}:
                    raise
                print(f"{printable(key)}: {printable(error)}", file=sys.stderr, flush=True)
            self.seen.forget_end(key)

    def take(self, content: bytes) -> None:
        """Run one job, or say why not."""
        try:
            job = self.accept(content)
        except (RefusedJobError, ForgedDocumentError) as error:
            print(f"refused: {printable(error)}", file=sys.stderr, flush=True)
            return
        if not self.seen.begin(job):
            print(f"{job['job']}: refused: it was seen before", file=sys.stderr, flush=True)
            return
        if job["mode"] == "thread":
            self.turn.acquire()
            thread = threading.Thread(target=self.run_beside, args=(job,))
            self.threads = [each for each in self.threads if each.is_alive()] + [thread]
            thread.start()
        else:
            self.run(job)

    def accept(self, content: bytes) -> dict:
        """The job in a signed document; raise RefusedJobError or ForgedDocumentError where it is not to run."""
        payload, key = verify(content, JOB, self.keys.keys())
        job = load_object(payload)
        texts = all(isinstance(job.get(name), str) for name in MEMBERS - {"v", "args"})
        if set(job) != MEMBERS or job["v"] != 1 or not texts:
            raise RefusedJobError("it has not the members of a job")
        check_names(job)
        if job["vendor"] != self.vendor or key.vendor != self.vendor:
            raise RefusedJobError(f"it is for {printable(job['vendor'])}, and this agent is {self.vendor}'s")
        if not NAME.fullmatch(job["script"]) or job["script"] not in self.scripts:
            self.say(job, "refused", f"{job['script'][:40]} is not in this agent's list")
            raise RefusedJobError(f"{printable(job['script'][:40])} is not in the list of scripts")
        try:
            self.check(job)
        except (RefusedJobError, OSError) as error:
            self.say(job, "refused", str(error))
            raise RefusedJobError(str(error)) from error
        return job

    def check(self, job: dict) -> None:
        """Raise RefusedJobError for a script that people may not start, and for arguments that the list has not."""
        script = self.scripts[job["script"]]
        if RUN.fullmatch(job["key"]) and not script.by_hand:
            raise RefusedJobError("the list does not let people start it")
        script.check(job["args"])

    def run_beside(self, job: dict) -> None:
        try:
            self.run(job)
        finally:
            self.turn.release()

    def run(self, job: dict) -> None:
        """Run a script; a death in between leaves an order's data for another time."""
        outcome = self.run_by_hand(job) if RUN.fullmatch(job["key"]) else self.take_order(job)
        try:
            self.seen.end(job, outcome)
        except sqlite3.OperationalError as error:
            print(f"{job['job']}: its end cannot be written: {error}", file=sys.stderr, flush=True)
        print(f"{job['job']}: {job['script']}: {outcome}", flush=True)

    def take_order(self, job: dict) -> str:
        """Read an order, run the script over it, delete the shared data; the outcome."""
        outcome = "failed"
        try:
            data = self.mall.ask("GET", path_of("shared", job["key"]))
            outcome = self.scripts[job["script"]].take_order(job, data)
            self.mall.ask("POST", path_of("shared", job["key"], "used"), {"outcome": outcome})
        except MallError as error:
            outcome = "missing" if error.status == 404 else outcome
            self.say(job, "missing" if error.status == 404 else "failed", str(error))
        except OSError as error:
            self.say(job, "failed", str(error))
        return outcome

    def run_by_hand(self, job: dict) -> str:
        """Read the shared data, which the mall hands out once, run the script, say how it ended; the outcome."""
        end = {"outcome": "failed", "detail": ""}
        try:
            data = self.read_once(job)
            code, said = self.scripts[job["script"]].run(job, data, subprocess.STDOUT)
            end = {"outcome": "failed" if code else "done", "exit_code": code, "output": CONTROL.sub("\ufffd", said)}
        except MallError as error:
            if error.status == 404:
                print(f"{printable(job['job'])}: missing: {printable(error)}", file=sys.stderr, flush=True)
                return "missing"  # read before, or taken back: nothing to say
            end["detail"] = printable(error)[:200]
        except (OSError, ForgedDocumentError) as error:
            end["detail"] = printable(error)[:200]
        self.note_end(job, end)
        return end["outcome"]

    def read_once(self, job: dict) -> str:
        """The shared data of a run, which the mall signed for its key."""
        payload, key = verify(self.mall.ask("GET", path_of("shared", job["key"])), SHARED, self.keys.keys())
        found = load_object(payload)
        if (found.get("vendor"), found.get("key"), key.vendor) != (self.vendor, job["key"], self.vendor):
            raise ForgedDocumentError("the shared data is another's")
        return str(found.get("data", ""))

    def note_end(self, job: dict, end: dict) -> None:
        """Keep the end of a run, and say it; where the mall is away it is said at a later look."""
        try:
            self.seen.keep_end(job["key"], end)
            self.say_ends()
        except PASSING as error:
            print(f"{printable(job['job'])}: {printable(error)}; said later", file=sys.stderr, flush=True)

    def say(self, job: dict, outcome: str, detail: str) -> None:
        """Tell the mall of a job that did not end well; where it is away the lease ends by itself."""
        print(f"{printable(job['job'])}: {outcome}: {printable(detail)}", file=sys.stderr, flush=True)
        if RUN.fullmatch(job["key"]):
            return self.note_end(job, {"outcome": outcome, "detail": printable(detail)[:200]})
        try:
            self.mall.ask(
                "POST", path_of("jobs", job["key"], "failure"), {"outcome": outcome, "detail": printable(detail)[:200]}
            )
        except MallError as error:
            print(printable(error), file=sys.stderr, flush=True)

    def wait(self) -> None:
        for thread in self.threads:
            thread.join()


def check_names(job: dict) -> None:
    """Raise RefusedJobError for names that the mall does not give, another time than now, or no mode."""
    is_known = ROOT.fullmatch(job["key"]) or RUN.fullmatch(job["key"])
    if not is_known or not job["job"].startswith(f"{job['key']}.") or len(job["nonce"]) < 16:
        raise RefusedJobError("its names are none of the mall's")
    if not moment(job["nbf"]) - CLOCK <= time.time() <= moment(job["exp"]) + CLOCK:
        raise RefusedJobError("it is not of now; is this machine's clock right?")
    if job["mode"] not in {"wait", "thread"}:
        raise RefusedJobError("it says no mode")


def moment(text: str) -> float:
    """The seconds of an RFC 3339 time; raise RefusedJobError for any other text."""
    try:
        at = datetime.fromisoformat(text)
        return at.timestamp() if at.tzinfo else float("nan")
    except ValueError as error:
        raise RefusedJobError("it says no time") from error


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mall", metavar="MALL", help="https://… of the pickup API")
    parser.add_argument("--keys", type=Path, required=True, help="the key file; signed_document.py says its form")
    parser.add_argument("--scripts", type=Path, required=True)
    parser.add_argument("--seen", type=Path, required=True)
    parser.add_argument("--vendor", default="", help="the shop, where the key file has several")
    parser.add_argument("--dial", default="", metavar="HOST:PORT", help="where the mall's name cannot be resolved")
    parser.add_argument("--watch", type=float, metavar="SECONDS", help="ask again and again, with this pause")
    options = parser.parse_args()
    keys = KeyFile(options.keys)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    mall = Mall(options.mall, keys, options.vendor, options.dial)
    agent = Agent(mall, keys, read_scripts(options.scripts), SeenJobs(options.seen))
    print("the agent dials out; its scripts: " + ", ".join(sorted(agent.scripts)), flush=True)
    while True:
        try:
            agent.look(options.watch or 0)
        except PASSING as error:
            print(f"{printable(error)}; tried again", file=sys.stderr, flush=True)
            if not options.watch:
                return 1
        if not options.watch:
            agent.wait()
            return 0
        time.sleep(options.watch)


if __name__ == "__main__":
    sys.exit(main())
