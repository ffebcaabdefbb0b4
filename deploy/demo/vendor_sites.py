"""The vendors' remote shipping departments beside the demo: an HTTP receiver, a mailbox and an SFTP server."""

import base64
import json
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path

from deploy.demo.ports import port_near
from deploy.demo.secret_files import kept_secret
from deploy.demo.supervisor import Program

SITES = Path("deploy/vendor_sites")
VENDORS = Path("deploy/demo/catalogue")
KINDS = ("http", "smtp", "sftp")


@dataclass(frozen=True)
class Departments:
    """Ports, inboxes and shared secrets of the departments."""

    folder: Path
    ports: dict[str, int]
    webhook_secret: Path
    sftp_password: Path
    sftp_host_key: Path
    signing_keys: Path

    @property
    def inboxes(self) -> dict[str, Path]:
        """Return the inbox of each department: requests at Fowlers, messages at Noble Barney, files at Thistle."""
        return {
            "fowlers": self.folder / "fowlers",
            "noblebarney": self.folder / "mailbox",
            "thistle": self.folder / "thistle",
        }

    @property
    def sftp_inbox(self) -> Path:
        """Return the folder of the SFTP user's files."""
        return self.inboxes["thistle"] / "thistle" / "inbox"

    @property
    def for_the_mall(self) -> dict[str, str]:
        """Return the environment from which the vendors' routes are loaded."""
        public_key = self.sftp_host_key.with_name(f"{self.sftp_host_key.name}.pub")
        return {
            "DEMO_TLD": "localhost",
            "DEMO_HTTP_URL": f"http://127.0.0.1:{self.ports['http']}/",
            "DEMO_HTTP_SECRET": self.webhook_secret.read_text(),
            "DEMO_MAILBOX_ADDRESS": "orders@noblebarney.localhost",
            "DEMO_SFTP_HOST": "127.0.0.1",
            "DEMO_SFTP_PORT": str(self.ports["sftp"]),
            "DEMO_SFTP_USER": "thistle",
            "DEMO_SFTP_PASSWORD": self.sftp_password.read_text(),
            "DEMO_SFTP_HOST_KEY": public_key.read_text() if public_key.exists() else "",
            "DEMO_SIGNING_KEYS": self.signing_keys.read_text(),
        }

    def programs(self, environment: dict[str, str]) -> list[Program]:
        inbox = {name: str(path) for name, path in self.inboxes.items()}
        commands = {
            "http-department": ["http_receiver.py", "--port", str(self.ports["http"]), "--inbox", inbox["fowlers"],
                                "--secret-file", str(self.webhook_secret),
                                "--keys", str(self.signing_keys)],
            "mailbox": ["mailbox.py", "--smtp-port", str(self.ports["smtp"]), "--maildir", inbox["noblebarney"]],
            "sftp-department": ["sftp_server.py", "--port", str(self.ports["sftp"]), "--root", inbox["thistle"],
                                "--host-key", str(self.sftp_host_key), "--user", "thistle",
                                "--password-file", str(self.sftp_password)],
            # Somebody at Thistle takes the files into their books, which tells the mall that they have them.
            "sftp-clerk": ["mall_merge.py", "--keys", str(self.signing_keys),
                           "--database", str(self.folder / "thistle.sqlite"), "--done", "--watch", "2",
                           str(self.sftp_inbox)],
        }  # fmt: skip
        return [
            Program(name, (sys.executable, str(SITES / script), *arguments), environment)
            for name, (script, *arguments) in commands.items()
        ]


def new_keys() -> str:
    """Return a line of a key file for each vendor: the departments pack for several."""
    keys = {path.stem: base64.b64encode(secrets.token_bytes(32)).decode() for path in sorted(VENDORS.glob("*.toml"))}
    return "".join(f"{slug} hmac-sha256 {key}\n" for slug, key in keys.items())


def open_departments(data: Path, first_port: int) -> Departments:
    """Prepare the departments of a data folder. Ports and secrets stay, for the vendors' routes name them."""
    folder, keys = data / "departments", data / "secrets"
    for path in (folder, keys):
        path.mkdir(parents=True, exist_ok=True)
    keys.chmod(0o700)
    ports = folder / "ports.json"
    if not ports.exists():
        ports.write_text(json.dumps({kind: port_near(first_port + n) for n, kind in enumerate(KINDS)}))
    webhook = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    departments = Departments(
        folder,
        json.loads(ports.read_text()),
        webhook_secret=kept_secret(keys / "webhook", webhook),
        sftp_password=kept_secret(keys / "sftp_password", secrets.token_urlsafe(24)),
        sftp_host_key=keys / "sftp_host_key",
        signing_keys=kept_secret(keys / "signing_keys", new_keys()),
    )
    for inbox in (*departments.inboxes.values(), departments.sftp_inbox):
        inbox.mkdir(parents=True, exist_ok=True)
    return departments
