"""Scripts that people start on an agent by hand: chosen in the admin, run by a real agent, their ends shown."""

import json
import re
import signal
import subprocess
import sys
from datetime import timedelta

import pytest
from auditlog.models import LogEntry as AuditEntry
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from shipping import agent_scripts, script_runs
from shipping.agent_scripts import OfferedScript, ScriptRefusedError
from shipping.models import AgentList, Route, ScriptRun
from shipping.script_runs import End, UnknownRunError, Wish
from tests.integration.shipping.test_admin import sign_in  # noqa: F401 -- signs staff in
from tests.integration.shipping.test_pickup_api import Program
from tests.integration.shipping.test_pull_programs import Books
from tests.support.html import form_data

SCRIPTS = """
[stock_report]
about = "Counts the goods on a shelf."
by_hand = true
command = ["{python}", "{folder}/report.py"]
seconds = 20
arguments = {{shelf = "[A-Z][0-9]{{1,3}}", unit = "pieces|boxes"}}

[take_order]
command = ["{python}", "-c", "print('applied')"]
"""
REPORT = """
import json, sys
given = json.load(sys.stdin)
print(given["args"].get("shelf"), given["data"], flush=True)
print("to the error output", file=sys.stderr)
if given["data"] == "fail": sys.exit(3)
if given["data"] == "long": print("x" * 1_000_000)
"""
LISTED = [
    OfferedScript("stock_report", "Counts", by_hand=True, arguments={"shelf": "[A-Z][0-9]{1,3}"}),
    OfferedScript("take_order"),
]


@pytest.fixture
def route(vendor, route_to):
    return route_to("agent", {"script": "take_order", "mode": "wait"})


@pytest.fixture
def listed(route):
    """The agent has said its list just now."""
    assert agent_scripts.record_list(vendor_id=route.department.vendor_id, scripts=LISTED, every=5, now=timezone.now())
    return route


def wish(**changes):
    values = {"script": "stock_report", "arguments": {"shelf": "A7"}, "mode": "wait", "data": "", "key": ""}
    values |= {"key": script_runs.new_key()} | changes
    return Wish(**values)


def start(route, now=None, **changes):
    return script_runs.start_run(route=route, wish=wish(**changes), user=None, now=now or timezone.now())


# In the admin, with a real agent


@pytest.fixture
def agent(tmp_path, live_server):
    """The department's machine: its agent, and a script that people may start."""
    books = Books(tmp_path, f"http://mall.localhost:{live_server.url.rpartition(':')[2]}/ship/v1")
    (tmp_path / "report.py").write_text(REPORT)
    scripts = tmp_path / "scripts.toml"
    scripts.write_text(SCRIPTS.format(python=sys.executable, folder=tmp_path))
    books.agent = ("mall_agent.py", "--scripts", scripts, "--seen", tmp_path / "seen.sqlite", books.url)
    return books


def start_by_form(client, route, **changes):
    """Choose a script and press the button; the page that follows."""
    choice = client.get(reverse("admin:shipping_scriptrun_add")).content.decode()
    (address,) = re.findall(r'href="(\?route=[^"]+)"', choice)
    address = reverse("admin:shipping_scriptrun_add") + address.replace("&amp;", "&")
    form = {name: value for name, value in form_data(client.get(address)).items() if name != "q"}
    return client.post(address, form | {"argument-shelf": "A7", "mode": "wait"} | changes, follow=True)


@pytest.mark.django_db(transaction=True)
def test_orders_people_start_a_script_and_see_how_it_ended(agent, route, vendor, make_vendor, sign_in):  # noqa: F811
    client = sign_in(vendor, "orders")
    away = client.get(reverse("admin:shipping_scriptrun_add")).content.decode()
    assert "No agent of this department has come yet" in away
    agent.run(*agent.agent)
    page = start_by_form(client, route, shared_data="péche <b>ýþ</b>").content.decode()
    assert "Waits for the agent" in page
    assert 'hx-trigger="every 1s"' in page
    assert agent.run(*agent.agent).count("stock_report: done") == 1
    run = ScriptRun.objects.get()
    assert (run.state, run.exit_code, run.data, run.arguments) == ("done", 0, "", {"shelf": "A7"})
    assert run.output == "A7 péche <b>ýþ</b>\nto the error output\n"
    assert run.started_by.email == "fowlers-orders@example.org"
    shown = client.get(reverse("admin:shipping_scriptrun_change", args=[run.pk])).content.decode()
    assert "Ended well" in shown
    assert "Exit code 0" in shown
    assert "péche &lt;b&gt;ýþ&lt;/b&gt;" in shown
    assert "hx-trigger" not in shown
    assert AuditEntry.objects.get_for_object(run).first().actor == run.started_by
    later = start_by_form(client, route, mode="thread", shared_data="fail")
    assert "tock_report is started" in later.content.decode()
    agent.run(*agent.agent)
    failed = ScriptRun.objects.first()
    assert (failed.state, failed.exit_code, failed.mode) == ("failed", 3, "thread")
    start_by_form(client, route, shared_data="long")
    agent.run(*agent.agent)
    assert 15_000 < len(ScriptRun.objects.first().output) <= 16_000
    rival = sign_in(make_vendor("thistle"), "owner")
    assert rival.get(reverse("admin:shipping_scriptrun_change", args=[run.pk])).status_code == 404
    assert sign_in(vendor, "catalogue").get(reverse("admin:shipping_scriptrun_add")).status_code == 403


@pytest.mark.django_db(transaction=True)
def test_agent_refuses_a_script_that_its_list_does_not_let_people_start(agent, route):
    agent.run(*agent.agent)
    run = start(route)
    ScriptRun.objects.filter(pk=run.pk).update(script="take_order")
    assert "does not let people start it" in agent.run(*agent.agent)
    run.refresh_from_db()
    assert (run.state, run.detail) == ("refused", "the list does not let people start it")
    second = start(route)
    ScriptRun.objects.filter(pk=second.pk).update(arguments={"shelf": "../etc"})
    agent.run(*agent.agent)
    second.refresh_from_db()
    assert (second.state, second.read_at) == ("refused", None)


CUT = """
import os, signal, sys
sys.path.insert(0, {sites!r})
import mall_agent, mall_client
def cut(owner, name, behind, when=lambda *_: True):
    real = getattr(owner, name)
    def dying(*a, **k):
        found = real(*a, **k) if behind or not when(*a) else None
        if when(*a):
            os.kill(os.getpid(), signal.SIGKILL)
        return found
    setattr(owner, name, dying)
def asks(part):
    return lambda mall, how, to, *more: part in to
{cut}
mall_agent.main()
"""
# A step: how it is cut, and the state once another agent has come and the time is over.
STEPS = {
    "before it is written down": ("cut(mall_agent.SeenJobs, 'begin', False)", "done"),
    "behind writing it down": ("cut(mall_agent.SeenJobs, 'begin', True)", "done"),
    "behind reading the data": ("cut(mall_client.Mall, 'ask', True, asks('shared'))", "lost"),
    "behind the script": ("cut(mall_agent.Script, 'run', True)", "lost"),
    "behind keeping its end": ("cut(mall_agent.SeenJobs, 'keep_end', True)", "done"),
    "behind saying its end": ("cut(mall_client.Mall, 'ask', True, asks('/end'))", "done"),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("step", STEPS)
def test_agent_killed_at_a_step_runs_a_script_once_at_most(step, agent, route, scale):
    if scale == 1:
        pytest.skip("a start of the agent for each step")
    cut, state = STEPS[step]
    (agent.folder / "report.py").write_text("open('ran', 'a').write('x')".replace("ran", str(agent.folder / "ran")))
    agent.run(*agent.agent)
    run = start(route)
    code = CUT.format(sites=str(agent.command("mall_agent.py")[1]).rpartition("/")[0], cut=cut)
    command = [sys.executable, "-c", code, "--keys", str(agent.keys), *map(str, agent.agent[1:])]
    assert subprocess.run(command, timeout=60, check=False, capture_output=True).returncode == -signal.SIGKILL
    ScriptRun.objects.filter(pk=run.pk).update(next_at=timezone.now())  # its lease has ended
    for _ in range(2):
        agent.run(*agent.agent)
    script_runs.settle(now=timezone.now() + timedelta(hours=1))
    run.refresh_from_db()
    assert (run.state, run.data) == (state, "")
    ran = agent.folder / "ran"
    assert (ran.read_text() if ran.exists() else "") == ("" if step == "behind reading the data" else "x")


# What is refused, and what happens once


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"script": "rm_all"}, "has no script rm_all"),
        ({"script": "take_order"}, "by_hand is not set"),
        ({"script": "../../bin/sh"}, "has no script"),
        ({"arguments": {"shelf": "a7"}}, "as the agent’s list says"),
        ({"arguments": {"shelf": "A7\n"}}, "as the agent’s list says"),
        ({"arguments": {"shelf": "A" * 500}}, "as the agent’s list says"),
        ({"arguments": {"path": "/etc"}}, "has no argument path"),
        ({"mode": "eval"}, "not as the page made it"),
        ({"key": "../run"}, "not as the page made it"),
        ({"data": "é" * 40_000}, "more than 64 kB"),
    ],
)
def test_wrong_wish_is_refused_in_words(changes, words, listed):
    with pytest.raises(ScriptRefusedError, match=words):
        start(listed, **changes)
    assert not ScriptRun.objects.exists()


def test_agent_that_is_away_and_a_route_that_is_held_are_said(listed):
    with pytest.raises(ScriptRefusedError, match="agent is away"):
        start(listed, now=timezone.now() + timedelta(minutes=4))
    run = start(listed)
    script_runs.read_data(vendor_id=listed.department.vendor_id, key=run.key, now=timezone.now())
    start(listed, now=timezone.now() + timedelta(minutes=4))  # it is busy, and not away
    script_runs.settle(now=timezone.now() + timedelta(days=2))
    AgentList.objects.update(every=600.0)
    start(listed, now=timezone.now() + timedelta(minutes=4))
    listed.state = Route.State.HELD
    with pytest.raises(ScriptRefusedError, match="is held"):
        start(listed)
    listed.state, listed.transport = Route.State.ENABLED, "http"
    with pytest.raises(ScriptRefusedError, match="not lead to an agent"):
        start(listed)


def test_second_press_starts_nothing_and_too_many_are_refused(listed):
    key = script_runs.new_key()
    assert start(listed, key=key) == start(listed, key=key)
    for _ in range(script_runs.MOST_OPEN - 1):
        start(listed)
    with pytest.raises(ScriptRefusedError, match="wait or run there"):
        start(listed)


def test_shared_data_is_read_once_and_deleted_with_its_end(listed):
    now, vendor_id = timezone.now(), listed.department.vendor_id
    run = start(listed, data="for the script")
    content = script_runs.read_data(vendor_id=vendor_id, key=run.key, now=now)
    assert b"Zm9yIHRoZSBzY3JpcHQ" in content or b"for the script" not in content
    with pytest.raises(UnknownRunError):
        script_runs.read_data(vendor_id=vendor_id, key=run.key, now=now)
    for end in (End("done", 0, "well"), End("failed", 9, "other")):
        ended = script_runs.record_end(vendor_id=vendor_id, key=run.key, end=end, now=now)
        assert ended.state == "done"
    run.refresh_from_db()
    assert (run.output, run.exit_code, run.data, run.data_size) == ("well", 0, "", 14)
    with pytest.raises(IntegrityError), transaction.atomic():
        ScriptRun.objects.filter(pk=run.pk).update(data="back again")


def test_run_that_is_not_fetched_or_not_heard_of_ends(listed):
    now, vendor_id = timezone.now(), listed.department.vendor_id
    missed, lost = start(listed, data="x"), start(listed, data="y")
    script_runs.read_data(vendor_id=vendor_id, key=lost.key, now=now)
    assert script_runs.settle(now=now + timedelta(minutes=5)) == 0
    assert script_runs.settle(now=now + timedelta(minutes=11)) == 2
    missed.refresh_from_db()
    lost.refresh_from_db()
    assert (missed.state, missed.data, lost.state, lost.data) == ("missed", "", "lost", "")
    with pytest.raises(UnknownRunError):
        script_runs.read_data(vendor_id=vendor_id, key=missed.key, now=now)
    late = script_runs.record_end(vendor_id=vendor_id, key=lost.key, end=End("done", 0), now=now)
    assert late.state == "done", "a late word is the truth"
    assert script_runs.record_end(vendor_id=vendor_id, key=missed.key, end=End("done", 0), now=now).state == "missed"


def test_run_is_taken_back_until_it_is_fetched(listed, vendor, sign_in):  # noqa: F811
    client = sign_in(vendor, "owner")
    first, second = start(listed), start(listed)
    script_runs.read_data(vendor_id=vendor.pk, key=second.key, now=timezone.now())
    for run in (first, second):
        client.post(reverse("admin:shipping_scriptrun_withdraw", args=[run.pk]))
        run.refresh_from_db()
    assert (first.state, second.state) == ("withdrawn", "running")
    assert script_runs.offer_runs(vendor_id=vendor.pk, most=5, now=timezone.now()) == []


def test_list_of_an_agent_is_bounded_and_of_its_own_department(client, vendor, make_vendor, route):
    program = Program(client, "fowlers")

    def say(scripts, who=program):
        content = json.dumps({"scripts": scripts, "every": 5})
        return who.client.put("/ship/v1/agent", content, content_type="application/json", headers=who.headers)

    assert say([{"name": "stock_report", "by_hand": True}]).json() == {"by_hand": 1}
    wrong = [
        [{"name": "../sh"}],
        [{"name": "a", "arguments": {"UPPER": "x"}}],
        [{"name": "a", "arguments": {"x": "y" * 300}}],
        [{"name": "a", "seconds": 0}],
        [{"name": "a", "code": "import os"}],
        [{"name": "a"}] * 60,
    ]
    assert [say(scripts).status_code for scripts in wrong] == [422] * len(wrong)
    assert agent_scripts.scripts_of(AgentList.objects.get()).keys() == {"stock_report"}


@pytest.mark.parametrize(
    ("pattern", "value", "fits"),
    [
        ("ship|amend", "amend", True),
        ("ship|amend", "cancel", False),
        ("[A-Z][0-9]{1,3}", "A77", True),
        (r"\d{4}-\d\d", "2026-11", True),
        (r"\d{4}-\d\d", "2026/11", False),
        ("(a+)+$", "a" * 199 + "!", True),  # not judged here: it would take for ever
        (".*.*.*.*x", "a" * 200, True),
        ("[z-a]", "b", True),
        ("(", "x", True),
    ],
)
def test_pattern_is_judged_where_it_is_plain(pattern, value, fits):
    assert agent_scripts.fits(pattern, value) is fits
