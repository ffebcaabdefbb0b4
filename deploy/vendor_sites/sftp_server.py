"""A shipping department's SFTP server: each user sees only their own folder, with an inbox in it.

    python sftp_server.py --port 2222 --root ./files --host-key ./host_key --user thistle --password-file ./password

Makes the host key where there is none and writes its public half beside it (``host_key.pub``), for the mall's route to
pin. Needs Python and asyncssh.
"""

import argparse
import asyncio
import hmac
import os
import signal
from pathlib import Path

import asyncssh

FOLDERS = ("inbox", "inbox/done")


class Door(asyncssh.SSHServer):
    """Accepts the one user by the password."""

    passwords: dict[str, str]

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        known = self.passwords.get(username, "")
        return bool(known) and hmac.compare_digest(known.encode(), password.encode())


class OwnFolder(asyncssh.SFTPServer):
    """Each user's root is a folder of that name."""

    root: Path

    def __init__(self, channel: asyncssh.SSHServerChannel) -> None:
        user = channel.get_extra_info("username")
        super().__init__(channel, chroot=os.fsencode(self.root / user))


def host_key(path: Path) -> Path:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        key = asyncssh.generate_private_key("ssh-ed25519")
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(key.export_private_key())
    public = path.with_name(f"{path.name}.pub")
    public.write_bytes(asyncssh.read_private_key(path).export_public_key())
    return path


async def serve(options: argparse.Namespace) -> None:
    Door.passwords = {
        user: file.read_text().strip() for user, file in zip(options.user, options.password_file, strict=True)
    }
    OwnFolder.root = options.root.resolve()
    for user in Door.passwords:
        for folder in FOLDERS:
            (OwnFolder.root / user / folder).mkdir(parents=True, exist_ok=True)
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    server = await asyncssh.listen(
        options.host,
        options.port,
        server_factory=Door,
        server_host_keys=[str(host_key(options.host_key))],
        sftp_factory=OwnFolder,
        allow_scp=False,
    )
    print(f"listening on sftp://{options.host}:{server.get_port()}", flush=True)
    await stopped.wait()
    server.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--host-key", type=Path, required=True)
    parser.add_argument("--user", action="append", required=True, help="may be given again, each with a password file")
    parser.add_argument("--password-file", type=Path, action="append", required=True)
    options = parser.parse_args()
    if any(not user.replace("-", "").replace("_", "").isalnum() for user in options.user):
        parser.error("A user's name has letters, digits, - and _ only: it names a folder.")
    asyncio.run(serve(options))


if __name__ == "__main__":
    main()
