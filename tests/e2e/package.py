"""A new project that follows the package's README files word by word: their blocks of code are what it is made of.

Two liberties are taken: the port, and ``./sessions_farm`` after ``pip install``, which is the wheel that was built.
"""

from __future__ import annotations

import http.cookiejar
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.servers.processes import free_port
from sessions_farm.tests.support.documentation import Block, blocks

ROOT = Path(__file__).parents[2]
ENGINE, COMMUNITIES = ROOT / "sessions_farm/README.md", ROOT / "sessions_farm/communities/README.md"
PORT = "8000"
ALREADY_THERE = re.compile(r"^(python3\.13 -m venv|\. venv/|pip install) ?.*\n", re.MULTILINE)
SERVED_WITHIN = 60  # seconds, on a busy machine
FOREIGN = {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "DJANGO_SETTINGS_MODULE", "PYTHONPATH", "SCALE", "VIRTUAL_ENV"}


class Project:
    """A folder in which a reader types what stands in the README files."""

    def __init__(self, folder: Path, wheel: Path | None, environ: dict[str, str] | None = None) -> None:
        """Without a wheel the project uses this interpreter and this checkout, and installs nothing."""
        self.folder, self.wheel = folder, wheel
        self.port = free_port()
        path = f"{folder / 'venv/bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        kept = {name: value for name, value in os.environ.items() if name not in FOREIGN and "PYTEST" not in name}
        self.environ = kept | {"PATH": path} | (environ or {}) | ({} if wheel else {"PYTHONPATH": str(ROOT)})

    @property
    def site(self) -> Path:
        return self.folder / "mysite"

    def copy(self, name: str, **environ: str) -> Project:
        """The same site, to be varied."""
        folder = self.folder / name
        folder.mkdir()
        shutil.copytree(self.site, folder / "mysite")
        other = Project(folder, self.wheel)
        other.environ = self.environ | environ
        return other

    def follow(self, readme: Path, heading: str) -> str:
        """Do what a section says, but for its programs that serve; return the output of its commands."""
        said = shell = ""
        for block in blocks(readme):
            if block.heading == heading and block.language == "sh":
                output, shell = self.type(block)
                said += output
            elif block.heading == heading and block.language == "python":
                self.write(block, shell)
        return said

    def type(self, block: Block) -> tuple[str, str]:
        """Type a block of commands; return their output, and the command that waits for input, if any."""
        code = block.code
        code = code.replace("./sessions_farm", str(self.wheel)) if self.wheel else ALREADY_THERE.sub("", code)
        serving = [line for line in code.splitlines() if line.endswith(("shell", "runserver")) or " sweep " in line]
        code = "\n".join(line for line in code.splitlines() if line not in serving)
        return self.run(code), next((line for line in serving if line.endswith("shell")), "")

    def run(self, code: str, given: str = "") -> str:
        """Run commands; return their output."""
        done = subprocess.run(
            ["bash", "-eu", "-c", code],
            cwd=self.site if self.site.exists() else self.folder,
            env=self.environ,
            input=given,
            capture_output=True,
            text=True,
            timeout=1800,
            check=False,
        )
        failed = re.findall(r"^(?:FAILED|ERROR) .*", done.stdout, re.MULTILINE)
        assert done.returncode == 0, f"{code}\n{failed}\n{done.stdout[-6000:]}\n{done.stderr[-3000:]}"
        return done.stdout

    def write(self, block: Block, shell: str) -> None:
        """Put Python where the text before it says: into a file, or into the shell that waits."""
        code = block.code.replace(PORT, str(self.port))
        if "urls.py" in block.before:
            (self.site / "mysite/urls.py").write_text(code)
        elif "shell" in block.before:
            self.run(shell, code)
        else:
            with (self.site / "mysite/settings.py").open("a") as settings:
                settings.write(f"\n{code}")

    def migrate(self) -> None:
        """As the README says after each variation."""
        assert "no issues" in self.run("python manage.py check --database default && python manage.py migrate")

    @contextmanager
    def served(self) -> Iterator[str]:
        """Serve the site, and sweep beside it; yields its URL."""
        commands = [f"exec python manage.py runserver --noreload {self.port}"]
        commands.append("exec python manage.py sessions sweep --every 2")
        with (self.folder / "server.log").open("w") as log:
            programs = [
                subprocess.Popen(["bash", "-c", line], cwd=self.site, env=self.environ, stdout=log, stderr=log)
                for line in commands
            ]
            try:
                self.wait_until_served()
                yield f"http://localhost:{self.port}/"
                assert [program.poll() for program in programs] == [None, None], self.log()
            finally:
                for program in programs:
                    program.terminate()
                for program in programs:
                    program.wait(30)

    def wait_until_served(self) -> None:
        until = time.monotonic() + SERVED_WITHIN
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise AssertionError(f"The site is not served.\n{self.log()}")

    def log(self) -> str:
        return (self.folder / "server.log").read_text()[-4000:]


class Visitor:
    """A browser as far as the five minutes need one: it keeps cookies."""

    def __init__(self) -> None:
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), jar)

    def get(self, url: str) -> str:
        try:
            with self._opener.open(url, timeout=30) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as error:
            return f"{error.code} {error.read().decode()[:2000]}"
