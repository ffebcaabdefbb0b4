"""Departments' own programs against the served mall: mall-pull, mall-agent, the drop folder read by OpenSSH's sftp."""

import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from hashlib import sha256

import asyncssh
import pytest

from cart.orders.models import Consignment
from shipping.drop_folder import server
from shipping.models import Dispatch
from shipping.runner import drain
from shipping.transports.pull_ftp import PullFtpTransport
from tests.integration.shipping.conftest import ANY, SITES, free_port, port_in, write_keys

pytestmark = pytest.mark.django_db(transaction=True)


class Books:
    """A department's folder: its keys, its books, and its programs."""

    def __init__(self, folder, url):
        self.folder, self.url = folder, url
        self.keys = write_keys(folder / "keys", "fowlers")
        self.database = folder / "orders.sqlite"

    def command(self, script, *arguments):
        return [sys.executable, str(SITES / script), "--keys", str(self.keys), *map(str, arguments)]

    def run(self, script, *arguments, code=0):
        done = subprocess.run(self.command(script, *arguments), capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == code, done.stderr + done.stdout
        return done.stdout + done.stderr

    def rows(self, query):
        with closing(sqlite3.connect(self.database)) as books:
            return books.execute(query).fetchall()

    @property
    def worked(self):
        return sorted(self.rows("SELECT root, count(*) FROM jobs GROUP BY root"))


@pytest.fixture
def books(tmp_path, live_server):
    port = live_server.url.rpartition(":")[2]
    return Books(tmp_path, f"http://mall.localhost:{port}/ship/v1")


def due_again():
    """As if every lease had ended and no word had come."""
    Dispatch.objects.update(state="sent", acked_at=None, next_at="2026-01-01T00:00Z")


def test_mall_pull_fetches_works_once_and_says_what_is_missing(books, vendor, route_to, place_order, dispatch_of):
    route_to("pull_http", {})
    rows = [dispatch_of(place_order(vendor)) for _ in range(2)]
    pull = ("mall_pull.py", "--database", books.database, books.url)
    assert books.run(*pull, "--slips", books.folder / "slips").count(": applied") == 2
    assert {row.state for row in Dispatch.objects.all()} == {"acked"}
    assert [path.read_bytes()[:5] for path in (books.folder / "slips").iterdir()] == [b"%PDF-"] * 2
    due_again()
    assert books.run(*pull).count(": duplicate") == 2
    assert [times for _, times in books.worked] == [1, 1]
    number = rows[0].consignment.number
    said = books.run("mall_pull.py", books.url, "--sent", number, "An Post", "RR12")
    assert "the shopper is told" in said
    assert Consignment.objects.get(number=number).tracking_number == "RR12"
    assert books.run(*pull, "--manifest") == ""
    books.database.unlink()
    assert books.run(*pull, "--manifest", code=1).count("not in these books") == 2


def test_bad_input_a_mall_that_is_away_and_wrong_keys_do_not_end_a_watching_program(
    books, vendor, route_to, place_order, dispatch_of, wait_until
):
    route_to("pull_http", {})
    row = dispatch_of(place_order(vendor))
    away = books.url.replace(books.url.split(":")[2].split("/")[0], str(free_port()))
    assert "cannot be reached" in books.run("mall_pull.py", "--database", books.database, away, code=1)
    write_keys(books.keys, "thistle")
    assert "answered 401" in books.run("mall_pull.py", "--database", books.database, books.url, code=1)
    books.keys.write_text(books.keys.read_text().replace("thistle", "fowlers"))
    watch = books.command("mall_pull.py", "--database", books.database, "--watch", "0.2", books.url)
    with subprocess.Popen(watch, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            write_keys(books.keys, "fowlers")
            wait_until(lambda: Dispatch.objects.get(pk=row.pk).state == "acked")
        finally:
            process.send_signal(signal.SIGTERM)


CUTS = {
    "before its work": "order_inbox.Inbox.take = lambda *_, **__: os._exit(9)",
    "between work and word": """
real = mall_client.Mall.ask
mall_client.Mall.ask = lambda mall, how, to, *more: os._exit(9) if to == "receipts" else real(mall, how, to, *more)
""",
}


@pytest.mark.parametrize("cut", CUTS)
def test_program_killed_at_a_step_works_the_order_once(cut, books, vendor, route_to, place_order, dispatch_of):
    route_to("pull_http", {})
    row = dispatch_of(place_order(vendor))
    code = f"""
import os, sys
sys.path.insert(0, {str(SITES)!r})
import mall_client, mall_pull, order_inbox
{CUTS[cut]}
mall_pull.main()
"""
    killed = [sys.executable, "-c", code, "--keys", str(books.keys), "--database", str(books.database), books.url]
    assert subprocess.run(killed, timeout=60, check=False, capture_output=True).returncode == 9
    assert Dispatch.objects.get().state == "sent"
    due_again()
    said = books.run("mall_pull.py", "--database", books.database, books.url)
    assert (": applied" in said) == (cut == "before its work")
    assert [times for _, times in books.worked] == [1]
    row.refresh_from_db()
    assert row.state == "acked"


SCRIPTS = """
[take_order]
command = ["{python}", "{sites}/take_order.py", "{books}", "{keys}"]
program = "{sites}/take_order.py"
sha256 = "{digest}"
seconds = 30
arguments = {{action = "ship|amend|cancel", revision = "[0-9]{{1,5}}"}}
"""


@pytest.fixture
def agent(books):
    digest = sha256((SITES / "take_order.py").read_bytes()).hexdigest()
    scripts = books.folder / "scripts.toml"
    scripts.write_text(
        SCRIPTS.format(python=sys.executable, sites=SITES, books=books.database, keys=books.keys, digest=digest)
    )
    return ("mall_agent.py", "--scripts", scripts, "--seen", books.folder / "seen.sqlite", books.url)


@pytest.mark.parametrize("mode", ["wait", "thread"])
def test_agent_runs_its_own_script_and_the_data_is_gone_after_use(
    mode, agent, books, vendor, route_to, place_order, dispatch_of
):
    route_to("agent", {"script": "take_order", "mode": mode})
    rows = [dispatch_of(place_order(vendor)) for _ in range(2)]
    assert books.run(*agent).count("take_order: applied") == 2
    for row in rows:
        row.refresh_from_db()
        assert (row.state, row.ack_by, row.acks.get().outcome) == ("acked", "agent", "applied")
    due_again()
    assert books.run(*agent).count("take_order: duplicate") == 2
    assert [times for _, times in books.worked] == [1, 1]


def test_agent_without_the_script_says_so_and_a_killed_one_finds_its_data_again(
    agent, books, vendor, route_to, place_order, dispatch_of
):
    route_to("agent", {"script": "rm_all", "mode": "wait"})
    row = dispatch_of(place_order(vendor))
    assert "is not in this agent's list" in books.run(*agent)
    row.refresh_from_db()
    assert (row.state, "rm_all" in row.reason) == ("dead", True)
    route_to("agent", {"script": "take_order", "mode": "wait"})
    other = dispatch_of(place_order(vendor))
    books.run("mall_agent.py", *agent[1:-1], f"{books.url}/nowhere", code=1)
    killed = f"""
import os, sys
sys.path.insert(0, {str(SITES)!r})
import mall_agent
mall_agent.Script.run = lambda *_: os._exit(9)
mall_agent.main()
"""
    command = [sys.executable, "-c", killed, "--keys", str(books.keys), *map(str, agent[1:])]
    assert subprocess.run(command, timeout=60, check=False, capture_output=True).returncode == 9
    Dispatch.objects.filter(pk=other.pk).update(next_at="2026-01-01T00:00Z")
    assert books.run(*agent).count("take_order: applied") == 1
    other.refresh_from_db()
    assert other.state == "acked"


class DropFolder:
    """manage.py sftpd, and OpenSSH's client with the department's key."""

    def __init__(self, folder):
        self.folder = folder
        key = asyncssh.generate_private_key("ssh-ed25519")
        self.public_key = key.export_public_key().decode().strip()
        self.identity = folder / "id_ed25519"
        key.write_private_key(self.identity)
        self.identity.chmod(0o600)
        self.known_hosts = folder / "known_hosts"
        self.host_key = folder / "mall_key"

    def trust(self):
        public = self.host_key.with_name("mall_key.pub").read_text().strip()
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {public}\n")

    def sftp(self, user, *lines, code=0):
        options = ("BatchMode=yes", "StrictHostKeyChecking=yes", f"UserKnownHostsFile={self.known_hosts}")
        command = ["sftp", "-q", "-b", "-", "-i", self.identity, "-P", str(self.port)]
        command += [word for option in options for word in ("-o", option)] + [f"{user}@127.0.0.1"]
        done = subprocess.run(command, input="\n".join(lines), capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture
def drop_folder(tmp_path, manage):
    folder = DropFolder(tmp_path)
    server = manage("sftpd", "--port", ANY, "--host-key", folder.host_key)
    folder.port = port_in(server.stdout.readline())
    folder.trust()
    return folder


FORBIDDEN = (
    *("get inbox/{name}", "rm inbox/{name}", "ls /etc", "get ../../etc/passwd", "mkdir inbox/x", "ln -s / ack/x"),
    *("put /etc/hostname inbox/x.json", "rename inbox sent", "put /etc/hostname ack/x.ack"),
)
"""What a department may not do, or not to another's files."""


@pytest.mark.skipif(shutil.which("sftp") is None, reason="OpenSSH's client is not on this machine")
def test_drop_folder_shows_each_department_its_own_files_and_takes_receipts(
    drop_folder, books, vendor, make_vendor, route_to, place_order, dispatch_of
):
    config = {"public_key": drop_folder.public_key, "slips": True}
    route, rival = route_to("pull_ftp", config), route_to("pull_ftp", config, seller=make_vendor("thistle"))
    users = [PullFtpTransport.user_of(each.department.vendor.slug, each.department_id) for each in (route, rival)]
    first, second, third = (dispatch_of(place_order(vendor)) for _ in range(3))
    assert drain() == {}
    got = drop_folder.folder / "got"
    got.mkdir()
    drop_folder.sftp(users[0], f'get inbox/*.json "{got}"', f'get inbox/*.pdf "{got}"', "ls -l inbox")
    assert len(list(got.glob("csg_*.json"))) == 3
    assert {path.read_bytes()[:5] for path in got.glob("*.pdf")} == {b"%PDF-"}
    name = next(path.name for path in got.iterdir() if path.name.startswith(first.key))
    name = f"{name.rpartition('.')[0]}.json"
    assert drop_folder.sftp(users[1], "ls inbox").strip().endswith("ls inbox")
    for forbidden in FORBIDDEN:
        assert "root:" not in drop_folder.sftp(users[1], forbidden.format(name=name), code=1)
    drop_folder.sftp("fowlers.0", "ls", code=255)
    assert {row.state for row in Dispatch.objects.all()} == {"sent"}
    drop_folder.sftp(users[0], f"rm inbox/{name}")
    first.refresh_from_db()
    assert (first.state, first.ack_by) == ("acked", "drop folder")
    address = f"sftp://{users[0]}@127.0.0.1:{drop_folder.port}"
    pull = ("mall_pull.py", "--database", books.database, "--identity", drop_folder.identity)
    said = books.run(*pull, "--known-hosts", drop_folder.known_hosts, address)
    assert said.count(": applied") == 2
    for row in (second, third):
        row.refresh_from_db()
        assert (row.state, row.ack_by, row.acks.get().outcome) == ("acked", "drop folder", "applied")
    due_again()
    assert books.run(*pull, "--known-hosts", drop_folder.known_hosts, address).count(": duplicate") == 2
    assert [times for _, times in books.worked] == [1, 1, 1]


def test_drop_folder_is_read_by_the_library_where_openssh_is_missing(
    drop_folder, books, vendor, route_to, place_order, dispatch_of, monkeypatch
):
    """The library asks which parts of a file are holes."""
    route = route_to("pull_ftp", {"public_key": drop_folder.public_key, "slips": True})
    row = dispatch_of(place_order(vendor))
    assert drain() == {}
    user = PullFtpTransport.user_of("fowlers", route.department_id)
    words = (
        "--identity",
        drop_folder.identity,
        "--known-hosts",
        drop_folder.known_hosts,
        "--slips",
        books.folder / "slips",
    )
    monkeypatch.setenv("PATH", str(drop_folder.folder))
    said = books.run(
        *("mall_pull.py", "--database", books.database, *words), f"sftp://{user}@127.0.0.1:{drop_folder.port}"
    )
    assert said.count(": applied") == 1
    assert [path.read_bytes()[:5] for path in (books.folder / "slips").iterdir()] == [b"%PDF-"]
    row.refresh_from_db()
    assert (row.state, row.ack_by) == ("acked", "drop folder")


def test_no_request_of_sftp_reaches_a_real_file():
    own = vars(server.DropFolder)
    public = {name for name in dir(asyncssh.SFTPServer) if not name.startswith("_")}
    assert public - set(own) <= server.KEPT
