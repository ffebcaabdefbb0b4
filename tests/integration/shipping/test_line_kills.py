"""Each side of the lines on which departments dial out, killed -9 at each step; a second delivery changes nothing.

The mall's side: a node in the middle of a request, the server of the drop folders. The department's: mall-pull over
both lines, mall-merge, mall-agent.
"""

import os
import signal
import subprocess
import sys
from itertools import count

import pytest
from django.utils import timezone

from deploy.demo.stack import PROJECT
from shipping.models import Dispatch, Route
from shipping.runner import drain
from shipping.transports.pull_ftp import PullFtpTransport
from tests.integration.shipping.conftest import ANY, SITES, port_in
from tests.integration.shipping.test_pull_programs import (  # noqa: F401 -- fixtures
    Books,
    DropFolder,
    agent,
    books,
    drop_folder,
)
from tests.support.cut_programs import SFTPD, run_cut
from tests.support.mortal_node import MortalNodes
from tests.support.nodes import url_of_test_database

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.scale, pytest.mark.timeout(120)]


@pytest.fixture(autouse=True)
def at_size(scale):
    if scale == 1:
        pytest.skip("A start of programs for each step: make prove. Some are in test_pull_programs.py.")


def is_worked_once(shop, work):
    """Whatever happened before: the next look brings it, and further deliveries change nothing."""
    Dispatch.objects.exclude(state="acked").update(next_at=timezone.now())  # its lease has ended
    work()
    assert {row.state for row in Dispatch.objects.all()} == {"acked"}
    assert {times for _, times in shop.worked} == {1}
    before = shop.rows("SELECT * FROM jobs"), shop.rows("SELECT * FROM consignments")
    newest = Dispatch.objects.latest("pk").pk  # as if its lease had ended, and no word had come
    Dispatch.objects.filter(pk=newest).update(state="sent", acked_at=None, next_at="2026-01-01T00:00Z")
    assert ": duplicate" in work()
    assert (shop.rows("SELECT * FROM jobs"), shop.rows("SELECT * FROM consignments")) == before
    assert {row.state for row in Dispatch.objects.all()} == {"acked"}


# The department's programs

PULL_STEPS = {
    "behind the lease": "mall_client.Mall, 'ask', True, asks('leases')",
    "behind the download": "mall_client.Mall, 'ask', True, asks('dispatches/')",
    "before its work": "order_inbox.Inbox, 'take', False",
    "within its work": "order_inbox.Inbox, '_work', True",
    "behind its work": "order_inbox.Inbox, 'take', True",
    "before its word": "mall_client.Mall, 'ask', False, asks('receipts')",
    "behind its word": "mall_client.Mall, 'ask', True, asks('receipts')",
}


@pytest.mark.parametrize("step", PULL_STEPS)
def test_mall_pull_killed_at_a_step(step, books, vendor, route_to, place_order):  # noqa: F811
    route_to("pull_http", {})
    place_order(vendor)
    words = ("--keys", books.keys, "--database", books.database, books.url)
    run_cut("mall_pull", PULL_STEPS[step], *words)
    is_worked_once(books, lambda: books.run("mall_pull.py", *words[2:]))


AGENT_STEPS = {
    "behind the lease": "mall_client.Mall, 'ask_list', True",
    "before it is written down": "mall_agent.SeenJobs, 'begin', False",
    "behind writing it down": "mall_agent.SeenJobs, 'begin', True",
    "behind reading the data": "mall_client.Mall, 'ask', True, asks('shared/')",
    "behind the script": "mall_agent.Script, 'run', True",
    "before deleting the data": "mall_client.Mall, 'ask', False, asks('/used')",
    "behind deleting the data": "mall_client.Mall, 'ask', True, asks('/used')",
    "before its end is written down": "mall_agent.SeenJobs, 'end', False",
}


@pytest.mark.parametrize("step", AGENT_STEPS)
def test_mall_agent_killed_at_a_step(step, agent, books, vendor, route_to, place_order):  # noqa: F811
    route_to("agent", {"script": "take_order", "mode": "wait"})
    place_order(vendor)
    run_cut("mall_agent", AGENT_STEPS[step], "--keys", books.keys, *agent[1:])
    is_worked_once(books, lambda: books.run(*agent))


FOLDER_STEPS = {
    "behind the copy": "mall_pull.OpenSsh, 'get', True",
    "before its work": "order_inbox.Inbox, 'take', False",
    "behind its work": "order_inbox.Inbox, 'take', True",
    "behind its word": "mall_pull.OpenSsh, 'put', True",
}


@pytest.fixture
def folder(drop_folder, route_to):  # noqa: F811
    """The drop folder of a department, and the words by which its program fetches from it."""
    route = route_to("pull_ftp", {"public_key": drop_folder.public_key})
    drop_folder.user = PullFtpTransport.user_of(route.department.vendor.slug, route.department_id)

    def words(port):
        known = drop_folder.folder / f"known_{port}"
        public = drop_folder.host_key.with_name("mall_key.pub").read_text().strip()
        known.write_text(f"[127.0.0.1]:{port} {public}\n")
        own = ("--identity", drop_folder.identity, "--known-hosts", known)
        return (*own, f"sftp://{drop_folder.user}@127.0.0.1:{port}")

    drop_folder.words = words
    return drop_folder


@pytest.mark.parametrize("step", FOLDER_STEPS)
def test_mall_pull_killed_at_a_step_of_its_folder(step, folder, books, vendor, place_order):  # noqa: F811
    place_order(vendor)
    words = ("--database", books.database, *folder.words(folder.port))
    run_cut("mall_pull", FOLDER_STEPS[step], "--keys", books.keys, *words)
    is_worked_once(books, lambda: books.run("mall_pull.py", *words))


MERGE_STEPS = {
    "before its work": "order_inbox.Inbox, 'take', False",
    "behind its work": "order_inbox.Inbox, 'take', True",
    "before the file is moved": "mall_merge, 'move_done', False",
    "behind moving the file": "mall_merge, 'move_done', True",
}


@pytest.mark.parametrize("step", MERGE_STEPS)
def test_mall_merge_killed_at_a_step(step, sftp_department, books, vendor, route_to, place_order):  # noqa: F811
    route_to("sftp", sftp_department.config, {"password": sftp_department.password})
    place_order(vendor)
    drain()
    words = ("--database", books.database, "--done", sftp_department.inbox)
    run_cut("mall_merge", MERGE_STEPS[step], "--keys", books.keys, *words)

    def work():
        drain()
        said = books.run("mall_merge.py", *words)
        Route.objects.update(acks_due_at=None)  # its time has come
        drain()
        return said

    Dispatch.objects.update(next_at=timezone.now())
    work()
    assert books.worked[0][1] == 1
    (row,) = Dispatch.objects.all()
    assert row.state == "acked"
    Dispatch.objects.update(state="ready", acked_at=None, next_at=timezone.now())
    for file in (sftp_department.inbox / "done").iterdir():
        file.unlink()
    assert ": duplicate" in work()
    assert books.worked[0][1] == 1


# The mall's side

SFTPD_STEPS = {
    f"{when} {name}": f"tree, {name!r}, {when == 'behind'}"
    for name in ("list_inbox", "read", "bring")
    for when in ("before", "behind")
}


@pytest.mark.parametrize("step", SFTPD_STEPS)
def test_drop_folders_server_killed_at_a_step(step, folder, books, vendor, place_order):  # noqa: F811
    place_order(vendor)
    code = SFTPD.format(sites=str(SITES), cut=SFTPD_STEPS[step])
    own = {"DATABASE_URL": url_of_test_database(), "DJANGO_SETTINGS_MODULE": "tests.settings"}
    command = [sys.executable, "-c", code, "--port", str(ANY), "--host-key", str(folder.host_key)]
    with subprocess.Popen(command, cwd=PROJECT, env=os.environ | own, stdout=subprocess.PIPE, text=True) as server:
        port = port_in(server.stdout.readline())
        words = ("mall_pull.py", "--database", books.database, *folder.words(port))
        ended = subprocess.run(books.command(*words), capture_output=True, text=True, timeout=60, check=False)
        assert server.wait(20) == -signal.SIGKILL, ended.stderr
    work = ("mall_pull.py", "--database", books.database, *folder.words(folder.port))
    is_worked_once(books, lambda: books.run(*work))


@pytest.fixture(scope="module")
def mortal_nodes(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        nodes = MortalNodes()
    yield nodes
    nodes.close()


@pytest.fixture
def nodes_of_a_shop(mortal_nodes, agent, books):  # noqa: F811
    return mortal_nodes, books, agent


@pytest.mark.parametrize("line", ["pull_http", "agent"])
def test_node_killed_in_the_middle_of_each_request(line, nodes_of_a_shop, vendor, route_to, place_order):
    """Before and behind each commit that a look of the department's program causes."""
    route_to(line, {"script": "take_order", "mode": "wait"} if line == "agent" else {})
    mortal_nodes, shop, own = nodes_of_a_shop
    words = own if line == "agent" else ("mall_pull.py", "--database", shop.database, shop.url)
    for point in count():
        place_order(vendor)
        port = mortal_nodes.start(point)
        address = f"http://mall.localhost:{port}/ship/v1"
        subprocess.run(shop.command(*words[:-1], address), capture_output=True, timeout=60, check=False)
        died = mortal_nodes.has_died()
        is_worked_once(shop, lambda: shop.run(*words))
        if not died:
            break
    assert point >= 4, "a look has several commits"
