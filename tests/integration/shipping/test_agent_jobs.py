"""Forged, replayed and tampered jobs, and an agent that runs none of them."""

import base64
import importlib.util
import json
import pathlib
import sys
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from shipping import envelope
from shipping.envelope import JOB, ORDER, SigningKey
from tests.integration.shipping.conftest import SITES, signing_key, write_keys

KEY = f"csg_{'0' * 32}_r1"
RUN = f"run_{'0' * 32}"


@pytest.fixture(scope="module")
def tool():
    sys.path.insert(0, str(SITES))
    try:
        spec = importlib.util.spec_from_file_location("mall_agent", SITES / "mall_agent.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module
    finally:
        sys.path.remove(str(SITES))


class FakeLine:
    """The line to the mall: it is not reached, and remembers what it was asked."""

    def __init__(self, tool):
        self.tool, self.asked, self.vendor = tool, [], ""

    def ask(self, method, path, document=None):
        self.asked.append((path, document))
        if path.startswith("shared/"):
            return b"the shared data"
        return b"{}"


@pytest.fixture
def ran(tmp_path):
    return tmp_path / "ran"


@pytest.fixture
def agent(tool, tmp_path, ran):
    program = tmp_path / "script.py"
    program.write_text(f"import sys; open({str(ran)!r}, 'a').write(sys.stdin.read() + chr(10)); print('applied')")
    entry = {
        "command": [sys.executable, str(program)],
        "program": str(program),
        "sha256": sha256(program.read_bytes()).hexdigest(),
        "arguments": {"action": "ship|amend", "revision": "[0-9]{1,5}"},
    }
    keys = tool.KeyFile(write_keys(tmp_path / "keys", "fowlers"))
    seen = tool.SeenJobs(tmp_path / "seen.sqlite")
    return tool.Agent(FakeLine(tool), keys, {"take_order": tool.Script(entry)}, seen)


def job(**changes):
    now = datetime.now(UTC)
    document = {
        "v": 1,
        "job": f"{KEY}.1",
        "vendor": "fowlers",
        "script": "take_order",
        "mode": "wait",
        "args": {"action": "ship", "revision": 1},
        "key": KEY,
        "nbf": (now - timedelta(minutes=5)).isoformat(),
        "exp": (now + timedelta(minutes=5)).isoformat(),
        "nonce": "n" * 32,
    }
    return {name: value for name, value in (document | changes).items() if value is not None}


def sealed(document, key=None, kind=JOB):
    return envelope.seal(json.dumps(document).encode(), kind, [key or signing_key("fowlers")])


def swapped(**changes):
    """A job whose content was changed after it was signed."""
    document = json.loads(sealed(job()))
    document["payload"] = base64.b64encode(json.dumps(job(**changes)).encode()).decode()
    return json.dumps(document).encode()


LONG_AGO, LATER = "2020-01-01T00:00:00+00:00", "2099-01-01T00:00:00+00:00"
FORGED = {
    "the key of another shop": sealed(job(), signing_key("thistle")),
    "a key that nobody knows": sealed(job(), SigningKey.generate("fowlers")),
    "no signature": json.dumps({"payload": "e30=", "payloadType": JOB, "signatures": []}).encode(),
    "script swapped": swapped(script="other"),
    "arguments swapped": swapped(args={"action": "amend"}),
    "vendor swapped": swapped(vendor="thistle"),
    "another shop's job": sealed(job(vendor="thistle")),
    "an order for a job": sealed(job(), kind=ORDER),
    "expired": sealed(job(nbf=LONG_AGO, exp=LONG_AGO)),
    "not yet": sealed(job(nbf=LATER, exp=LATER)),
    "no time": sealed(job(exp="soon")),
    "a time without its zone": sealed(job(exp="2099-01-01T00:00:00")),
    "a script that is not in the list": sealed(job(script="rm_all")),
    "a path for a script": sealed(job(script="../../bin/sh")),
    "an absolute path": sealed(job(script="/bin/sh")),
    "a script with a line break": sealed(job(script="take_order\n")),
    "an argument that the list has not": sealed(job(args={"action": "ship", "path": "/etc"})),
    "an argument of another form": sealed(job(args={"action": "ship; rm -rf /"})),
    "an argument that is long": sealed(job(args={"revision": "1" * 5000})),
    "an argument of depth": sealed(job(args={"action": {"a": 1}})),
    "a member more": sealed(job(shell="1")),
    "a member less": sealed(job(nonce=None)),
    "a short nonce": sealed(job(nonce="1")),
    "a key that is a path": sealed(job(key="../shared", job="../shared.1")),
    "a job of another key": sealed(job(job="csg_other.1")),
    "another mode": sealed(job(mode="eval")),
    "another version": sealed(job(v=2)),
    "oversized": sealed(job(args={"action": "x" * (1024 * 1024)})),
    "deep": b"[" * 100_000,
    "no JSON": b"\xff\xfe",
    "a run of a script that people may not start": sealed(job(key=RUN, job=f"{RUN}.1")),
    "a run whose job is an order's": sealed(job(key=RUN, job=f"{KEY}.1")),
    "a run with a path in its key": sealed(job(key="run_../../shared", job="run_../../shared.1")),
    "a run of another shop's key": sealed(job(key=RUN, job=f"{RUN}.1"), signing_key("thistle")),
}


def test_real_job_runs_and_the_same_one_again_does_not(agent, ran, capsys):
    """The control: the agent does run what is in order."""
    content = sealed(job())
    agent.take(content)
    (line,) = ran.read_text().splitlines()
    assert json.loads(line) == {
        "job": f"{KEY}.1",
        "key": KEY,
        "args": {"action": "ship", "revision": 1},
        "data": "the shared data",
    }
    assert agent.mall.asked[-1] == (f"shared/{KEY}/used", {"outcome": "applied"})
    agent.take(content)
    agent.take(sealed(job(job=f"{KEY}.2")))  # its nonce was seen
    agent.take(sealed(job(nonce="m" * 32)))  # its name was seen
    assert len(ran.read_text().splitlines()) == 1
    assert capsys.readouterr().err.count("it was seen before") == 3
    agent.take(sealed(job(job=f"{KEY}.2", nonce="o" * 32, mode="thread")))
    agent.wait()
    assert len(ran.read_text().splitlines()) == 2


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
def test_forged_job_is_refused_and_named(forged, agent, ran, capsys):
    agent.take(forged)
    assert "refused" in capsys.readouterr().err
    assert not ran.exists()
    assert not [path for path, _ in agent.mall.asked if path.startswith("shared/")], "nothing of the shop's was read"


def shared(key=None, kind=envelope.SHARED, **changes):
    document = {"v": 1, "vendor": "fowlers", "key": RUN, "data": "from the mall"} | changes
    return envelope.seal(json.dumps(document).encode(), kind, [key or signing_key("fowlers")])


def other_run():
    document = {"v": 1, "vendor": "fowlers", "key": f"run_{'1' * 32}", "data": "from the mall"}
    return envelope.seal(json.dumps(document).encode(), envelope.SHARED, [signing_key("fowlers")])


FORGED_DATA = {
    "another shop's key": shared(signing_key("thistle")),
    "another shop's name": shared(vendor="thistle"),
    "another run's": other_run(),
    "an order": shared(kind=ORDER),
    "unsigned": b'{"data": "from the mall"}',
    "no JSON": b"\xff",
}


@pytest.mark.parametrize("content", [shared(), *FORGED_DATA.values()], ids=["control", *FORGED_DATA])
def test_script_of_people_runs_with_the_malls_data_alone(content, agent, ran):
    agent.scripts["take_order"].by_hand = True
    agent.mall.ask = lambda *asked: (agent.mall.asked.append(asked[1:]), content)[1]
    agent.take(sealed(job(key=RUN, job=f"{RUN}.1")))
    (end,) = [asked for asked in agent.mall.asked if asked[0] == f"runs/{RUN}/end"]
    if content == shared():
        assert json.loads(ran.read_text())["data"] == "from the mall"
        assert (end[1]["outcome"], end[1]["output"]) == ("done", "applied\n")
    else:
        assert not ran.exists()
        assert end[1]["outcome"] == "failed"
    agent.take(sealed(job(key=RUN, job=f"{RUN}.1")))
    assert not ran.exists() or len(ran.read_text().splitlines()) == 1


def test_end_that_the_mall_has_not_heard_is_said_later(agent, tool):
    agent.scripts["take_order"].by_hand = True
    real = agent.mall.ask

    def away(method, path, document=None):
        if path.endswith("/end"):
            raise tool.MallError("The mall cannot be reached")
        return shared() if path.startswith("shared/") else real(method, path, document)

    agent.mall.ask = away
    agent.take(sealed(job(key=RUN, job=f"{RUN}.1")))
    assert [key for key, _ in agent.seen.ends()] == [RUN]
    agent.mall.ask = real
    agent.say_ends()
    assert agent.mall.asked[-1][0] == f"runs/{RUN}/end"
    assert agent.seen.ends() == []


def test_list_that_the_mall_does_not_take_stops_no_order(agent, tool, capsys):
    def refuse(method, path, document=None):
        raise tool.MallError("The mall answered 422: no such name", 422)

    agent.mall.ask = refuse
    agent.say_scripts(5)
    assert "does not take the list" in capsys.readouterr().err
    agent.mall.ask = lambda *_: (_ for _ in ()).throw(AssertionError("asked again within a minute"))
    agent.say_scripts(5)


def test_script_that_prints_without_end_is_cut_and_its_children_end(agent, tool, tmp_path, wait_until, monkeypatch):
    program, child = tmp_path / "script.py", tmp_path / "child"
    wait = tool.Talk.wait

    def wait_from_the_childs_start(talk, seconds):
        """A busy machine starts no script in half a second, and without a child there is nothing to end."""
        wait_until(lambda: child.exists() and child.read_text())
        return wait(talk, seconds)

    monkeypatch.setattr(tool.Talk, "wait", wait_from_the_childs_start)
    program.write_text(
        "import os, subprocess, sys\n"
        f"child = subprocess.Popen(['sleep', '60']); open({str(child)!r}, 'w').write(str(child.pid))\n"
        "while True: print('x' * 10_000)\n"
    )
    script = agent.scripts["take_order"]
    script.sha256, script.seconds, script.by_hand = "", 0.5, True
    agent.mall.ask = lambda *asked: (agent.mall.asked.append(asked[1:]), shared())[1]
    agent.take(sealed(job(key=RUN, job=f"{RUN}.1")))
    assert "did not end within 0 seconds" in agent.mall.asked[-1][1]["detail"]
    wait_until(lambda: not is_there(int(child.read_text())))


def is_there(pid):
    """Whether a process runs; one that has ended and is nobody's is none."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # the latter where it goes while its file is open
        return False


def test_program_that_was_changed_does_not_run(agent, ran, tmp_path):
    (tmp_path / "script.py").write_text("print('applied')")
    agent.take(sealed(job()))
    assert not ran.exists()
    assert agent.mall.asked[0][1]["outcome"] == "refused"


@pytest.mark.parametrize(
    ("code", "said"),
    [("raise SystemExit(3)", "ended with 3"), ("print('well')", "said 'well'"), ("while True: 0", "did not end")],
)
def test_script_that_fails_leaves_the_shared_data(code, said, agent, tmp_path):
    program = tmp_path / "script.py"
    program.write_text(code)
    script = agent.scripts["take_order"]
    script.sha256, script.seconds = sha256(program.read_bytes()).hexdigest(), 60 if "while" not in code else 0.5
    agent.take(sealed(job()))
    assert [path for path, _ in agent.mall.asked] == [f"shared/{KEY}", f"jobs/{KEY}/failure"]
    assert said in agent.mall.asked[-1][1]["detail"]


def test_missing_data_is_said_and_no_script_runs(agent, ran, tool):
    """T2 of the seed: there all was done where there was nothing."""

    def ask(method, path, document=None):
        agent.mall.asked.append((path, document))
        if path.startswith("shared/"):
            raise tool.MallError("The mall answered 404: gone", 404)
        return b"{}"

    agent.mall.ask = ask
    agent.take(sealed(job()))
    assert not ran.exists()
    assert agent.mall.asked[-1][1]["outcome"] == "missing"
