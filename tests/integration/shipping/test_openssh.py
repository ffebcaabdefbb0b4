"""A file by SFTP to OpenSSH's own server, as most departments run it: delivered, acknowledged, not doubled."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import asyncssh
import pytest
from django.utils import timezone

from shipping import services
from shipping.keys import file_name
from shipping.models import Route
from shipping.runner import drain
from tests.integration.shipping.conftest import free_port

UNPACKED = Path(__file__).parents[3] / ".tools" / "openssh" / "root"
PROGRAM = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin") or shutil.which(
    "sshd", path=str(UNPACKED / "usr" / "sbin")
)
USER = "nobody" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
"""Started by root, sshd would need a user and a folder of the machine's; as another user it signs in that one alone.

PAM, for without it an account that has no password counts as locked.
"""

CONFIG = """
ListenAddress 127.0.0.1:{port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
UsePAM yes
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
Subsystem sftp internal-sftp
ForceCommand internal-sftp -d {folder}
"""

pytestmark = pytest.mark.skipif(
    PROGRAM is None, reason="OpenSSH's server is not on this machine: deploy/openssh_server"
)


class OpensshDepartment:
    """sshd with one user, who signs in by a key."""

    def __init__(self, folder):
        self.folder, self.port = folder, free_port()
        self.inbox = folder / "inbox"
        (self.inbox / "done").mkdir(parents=True)
        host_key, self.user_key = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
        self.host_key = host_key.export_public_key().decode()
        host_key.write_private_key(folder / "host_key")
        self.user_key.write_public_key(folder / "authorized_keys")
        (folder / "sshd_config").write_text(CONFIG.format(port=self.port, folder=folder))
        if os.getuid() == 0:
            for path in (folder, *folder.rglob("*")):
                shutil.chown(path, USER)
        (folder / "host_key").chmod(0o600)

    @property
    def route(self):
        config = {"host": "127.0.0.1", "port": self.port, "user": USER, "host_key": self.host_key}
        return config, {"private_key": self.user_key.export_private_key().decode()}

    @contextmanager
    def running(self):
        libraries = [str(path.parent) for path in UNPACKED.rglob("libwrap.so.0")]
        environment = {"PATH": "/usr/bin:/bin", "LD_LIBRARY_PATH": ":".join(libraries)}
        command = [PROGRAM, "-D", "-e", "-f", self.folder / "sshd_config"]
        owner = {"user": USER, "group": pwd.getpwnam(USER).pw_gid, "extra_groups": []} if os.getuid() == 0 else {}
        with (self.folder / "log").open("wb") as log:
            process = subprocess.Popen(command, env=environment, stderr=log, **owner)
        try:
            self._wait(process)
            yield self
        finally:
            process.terminate()
            process.wait(60)

    def _wait(self, process):
        ends = time.monotonic() + 20
        while process.poll() is None and time.monotonic() < ends:
            with closing(socket.socket()) as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        pytest.fail(f"sshd does not listen: {(self.folder / 'log').read_text()}")


@pytest.fixture
def openssh():
    with tempfile.TemporaryDirectory(prefix="openssh_", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        with OpensshDepartment(Path(folder)).running() as department:
            yield department


def test_order_is_delivered_acknowledged_and_not_doubled(
    openssh, vendor, route_to, place_order, dispatch_of, merge, tmp_path
):
    config, secrets = openssh.route
    route_to("sftp", config, secrets)
    order = place_order(vendor)
    assert drain() == {"sent": 1}
    row = dispatch_of(order)
    assert [path.name.startswith(row.key) for path in openssh.inbox.glob("*.json")] == [True]
    books = ("--database", tmp_path / "books.sqlite")
    assert ": applied" in merge(*books, "--done", openssh.inbox).stdout
    assert drain(now=timezone.now() + timedelta(minutes=1)) == {"collected": 1}

    services.replay(dispatch_ids=[row.pk], now=timezone.now())
    assert drain(now=timezone.now() + timedelta(minutes=2))["acked"] == 1
    assert not list(openssh.inbox.glob("*.json")), "it lies in done/: no second copy is written"
    assert Route.objects.get().failures == 0


def test_name_that_is_taken_is_not_overwritten_and_nothing_is_left(openssh, vendor, route_to, place_order, dispatch_of):
    config, secrets = openssh.route
    route_to("sftp", config, secrets)
    row = dispatch_of(place_order(vendor))
    final = openssh.inbox / file_name(row.key, row.sha256)
    final.write_bytes(b"theirs")
    final.chmod(0o644)
    assert drain() == {"refused": 1}
    assert final.read_bytes() == b"theirs"
    assert [path.name for path in openssh.inbox.iterdir() if path.is_file()] == [final.name]


def test_server_with_another_host_key_gets_nothing(openssh, vendor, route_to, place_order):
    config, secrets = openssh.route
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    route_to("sftp", config | {"host_key": other}, secrets)
    place_order(vendor)
    assert drain() == {"retry": 1}
    assert (Route.objects.get().state, list(openssh.inbox.glob("*.json"))) == ("held", [])
