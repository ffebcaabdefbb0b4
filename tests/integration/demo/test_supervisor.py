"""The demo's supervisor: what dies comes back, what is stopped stays away."""

import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from deploy.demo import ports
from deploy.demo.stack import PROJECT
from deploy.demo.supervisor import Program, Supervisor
from deploy.demo.vendor_sites import open_departments
from deploy.servers import ServerError, processes


@pytest.fixture
def said():
    return []


@pytest.fixture
def supervisor(tmp_path, said):
    supervisor = Supervisor(PROJECT, tmp_path, said.append)
    yield supervisor
    supervisor.stop()


def program(*command: str, name: str = "sleeper") -> Program:
    return Program(name, command, dict(os.environ))


def check_until(supervisor, condition):
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until
        supervisor.check()
        time.sleep(0.02)


def test_killed_program_comes_back(supervisor, said):
    supervisor.start(program("sleep", "60"))
    supervisor.note_pids()
    first = supervisor.programs["sleeper"].process
    first.kill()
    check_until(supervisor, lambda: supervisor.programs["sleeper"].process is not first)
    assert supervisor.programs["sleeper"].process.poll() is None
    assert said[0].startswith("sleeper was ended by signal 9")
    assert str(supervisor.programs["sleeper"].process.pid) in (supervisor.notes / "pids.json").read_text()


def test_program_that_keeps_dying_is_given_longer_pauses(supervisor):
    supervisor.start(program("false"))
    pauses = [supervisor.programs["sleeper"].pause]

    def four_times_as_long():
        pauses.append(supervisor.programs["sleeper"].pause)
        return pauses[-1] >= 4 * pauses[0]

    check_until(supervisor, four_times_as_long)
    assert pauses == sorted(pauses)


def test_stop_ends_programs_that_ignore_it(supervisor, monkeypatch):
    monkeypatch.setattr("deploy.demo.supervisor.GRACE", 0.5)
    supervisor.start(program("sleep", "60"))
    supervisor.start(program("sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done", name="deaf"))
    check_until(supervisor, lambda: "ready" in supervisor.log("deaf").read_text())
    running = [entry.process for entry in supervisor.programs.values()]
    supervisor.stop()
    assert [process.returncode for process in running] == [-signal.SIGTERM, -signal.SIGKILL]
    assert not list(supervisor.notes.glob("*.pid"))


def test_run_repeats_lines_and_tells_of_failure(supervisor, said):
    supervisor.run(program("sh", "-c", "echo one; echo two"))
    assert said == ["  one", "  two"]
    with pytest.raises(RuntimeError, match=r"(?s)sleeper failed .*no such table"):
        supervisor.run(program("sh", "-c", "echo no such table; exit 3"))


def test_taken_port_named(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ServerError, match=rf"Port {port}, wanted by the web nodes, is taken.*PORT=9000"):
            ports.demand(port, "the web nodes", "PORT=9000")
        assert ports.port_near(port) != port
        answer = subprocess.run(
            [sys.executable, "-m", "deploy.demo.run"],
            cwd=PROJECT,
            env=os.environ | {"PORT": str(port), "MALL_DATA": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert answer.returncode == 1
    assert f"Port {port}, wanted by the web nodes, is taken" in answer.stdout
    assert f"PORT={port + 100} make demo" in answer.stdout


def test_departments_keep_ports_and_secrets(tmp_path):
    port = processes.free_port()
    first, again = open_departments(tmp_path, port), open_departments(tmp_path, port)
    assert again == first
    assert again.webhook_secret.read_text() == first.webhook_secret.read_text()
    assert first.webhook_secret.stat().st_mode & 0o077 == 0
