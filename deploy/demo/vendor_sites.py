"""The vendors' remote shipping departments beside the demo, each reached by another line.

An HTTP receiver, a mailbox, an SFTP and an FTP server, a program that fetches from its folder at the mall, an agent,
and a dial-up line that is up a minute in ten.
"""

import base64
import json
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path

import asyncssh

from deploy.demo.ports import port_near
from deploy.demo.secret_files import kept_secret
from deploy.demo.supervisor import Program

SITES = Path("deploy/vendor_sites")
VENDORS = Path("deploy/demo/catalogue")
PORTS = {"http": 0, "smtp": 1, "sftp": 2, "ftp": 9, "drop": 10}
"""The servers of departments, with their distance from the first port; others only dial out. ``drop`` is the mall's."""
LINES = {
    "fowlers": "requests to its server (HTTP)",
    "noblebarney": "mail",
    "thistle": "files on its server (SFTP)",
    "kilnrow": "files on its server (FTP)",
    "saltmarsh": "files in its folder at the mall, fetched by SFTP",
    "quayside": "fetched by HTTP, on a telephone line that is up a minute in ten",
    "lamplighter": "jobs for an agent on its machine",
}
"""How the orders of each vendor with a department of its own travel."""
DIAL_UP = ("--watch", "540", "--online", "60")
AGENT_SCRIPTS = """
[take_order]
command = ["{python}", "{sites}/take_order.py", "{books}", "{keys}"]
program = "{sites}/take_order.py"
arguments = {{action = "ship|amend|cancel", revision = "[0-9]{{1,5}}"}}

[open_orders]
about = "Lists the orders that are still to be packed, by town if you like."
by_hand = true
command = ["{python}", "{sites}/open_orders.py", "{books}"]
arguments = {{town = "[A-Za-z ]{{1,40}}", most = "[1-9][0-9]{{0,2}}"}}
"""


@dataclass(frozen=True)
class Departments:
    """Ports, inboxes and shared secrets of the departments."""

    folder: Path
    ports: dict[str, int]
    mall: str
    webhook_secret: Path
    sftp_password: Path
    sftp_host_key: Path
    signing_keys: Path
    drop_identity: Path
    drop_host_key: Path

    @property
    def inboxes(self) -> dict[str, Path]:
        """Return the folder of each department, with its orders."""
        return {
            "fowlers": self.folder / "fowlers",
            "noblebarney": self.folder / "mailbox",
            "thistle": self.folder / "thistle",
            "kilnrow": self.folder / "kilnrow",
            "saltmarsh": self.folder / "saltmarsh",
            "quayside": self.folder / "quayside",
            "lamplighter": self.folder / "lamplighter",
        }

    @property
    def sftp_inbox(self) -> Path:
        """Return the folder of the SFTP user's files."""
        return self.inboxes["thistle"] / "thistle" / "inbox"

    @property
    def drop_user(self) -> Path:
        """Return the file with the name by which Saltmarsh signs in at its folder; loading the demo writes it."""
        return self.folder / "saltmarsh.user"

    @property
    def agent_scripts(self) -> Path:
        """Return the list of scripts of Lamplighter's agent."""
        return self.inboxes["lamplighter"] / "scripts.toml"

    def write_agent_scripts(self) -> None:
        """Write the list: one script, which takes an order into the department's books."""
        books = self.inboxes["lamplighter"] / "orders.sqlite"
        places = {"python": sys.executable, "sites": SITES.resolve(), "books": books.resolve()}
        self.agent_scripts.write_text(AGENT_SCRIPTS.format(**places, keys=self.signing_keys.resolve()))

    @property
    def for_the_mall(self) -> dict[str, str]:
        """Return the environment from which the vendors' routes are loaded."""
        public_key = public_half(self.sftp_host_key)
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
            "DEMO_FTP_HOST": "127.0.0.1",
            "DEMO_FTP_PORT": str(self.ports["ftp"]),
            "DEMO_FTP_USER": "kilnrow",
            "DEMO_FTP_PASSWORD": self.sftp_password.read_text(),
            "DEMO_PULL": "pull_http agent",
            "DEMO_DROP_FOLDER_KEY": public_half(self.drop_identity).read_text(),
            "DEMO_DROP_FOLDER_USER_FILE": str(self.drop_user),
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
            "ftp-department": ["ftp_server.py", "--port", str(self.ports["ftp"]), "--root", inbox["kilnrow"],
                               "--user", "kilnrow", "--password-file", str(self.sftp_password)],
            "ftp-clerk": ["mall_merge.py", "--keys", str(self.signing_keys),
                          "--database", str(self.folder / "kilnrow.sqlite"), "--done", "--watch", "2",
                          str(self.inboxes["kilnrow"] / "inbox")],
            # Quayside's telephone line is up for a minute in ten.
            "dial-up": ["mall_pull.py", "--keys", str(self.signing_keys), "--vendor", "quayside",
                        "--database", f"{inbox['quayside']}/orders.sqlite", "--slips", f"{inbox['quayside']}/slips",
                        *DIAL_UP, self.mall],
            "agent": ["mall_agent.py", "--keys", str(self.signing_keys), "--vendor", "lamplighter",
                      "--scripts", str(self.agent_scripts), "--seen", f"{inbox['lamplighter']}/seen.sqlite",
                      "--watch", "2", self.mall],
        }  # fmt: skip
        programs = {name: (str(SITES / script), *words) for name, (script, *words) in commands.items()}
        # Saltmarsh fetches from its folder at the mall, once the demo is loaded and knows its name.
        programs["drop-folder-client"] = (
            *("-m", "deploy.demo.folder_client", "--mall", f"127.0.0.1:{self.ports['drop']}"),
            *("--identity", str(self.drop_identity), "--user-file", str(self.drop_user)),
            *("--mall-key", str(public_half(self.drop_host_key)), "--keys", str(self.signing_keys)),
            *("--inbox", inbox["saltmarsh"]),
        )
        return [Program(name, (sys.executable, *words), environment) for name, words in programs.items()]


def public_half(key: Path) -> Path:
    """Return the file beside a private key with its public half."""
    return key.with_name(f"{key.name}.pub")


def kept_ssh_key(path: Path) -> Path:
    """Make a private key where there is none, with its public half beside it; return its file."""
    if not path.exists():
        key = asyncssh.generate_private_key("ssh-ed25519")
        path.touch(mode=0o600)
        path.write_bytes(key.export_private_key())
        public_half(path).write_bytes(key.export_public_key())
    return path


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
    known = json.loads(ports.read_text()) if ports.exists() else {}
    ports.write_text(json.dumps({kind: known.get(kind) or port_near(first_port + n) for kind, n in PORTS.items()}))
    webhook = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    departments = Departments(
        folder,
        json.loads(ports.read_text()),
        f"http://mall.localhost:{first_port - 1}/ship/v1",
        webhook_secret=kept_secret(keys / "webhook", webhook),
        sftp_password=kept_secret(keys / "sftp_password", secrets.token_urlsafe(24)),
        sftp_host_key=keys / "sftp_host_key",
        signing_keys=kept_secret(keys / "signing_keys", new_keys()),
        drop_identity=kept_ssh_key(keys / "saltmarsh_key"),
        drop_host_key=kept_ssh_key(keys / "drop_folder_key"),
    )
    for inbox in (*departments.inboxes.values(), departments.sftp_inbox):
        inbox.mkdir(parents=True, exist_ok=True)
    departments.write_agent_scripts()
    return departments
