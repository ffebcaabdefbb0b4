"""Fetch the source distribution of the locked Django, which has Django's tests."""

from __future__ import annotations

import subprocess
import tarfile
import tempfile
import tomllib
import venv
from pathlib import Path

import django

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".data" / "django-suites"


def fetch_tests() -> Path:
    """Return the folder of Django's tests, downloaded once for each version.

    Raises RuntimeError where the installed Django is not the locked one, CalledProcessError where pip cannot fetch it.
    """
    version, digest = locked()
    if django.__version__ != version:
        raise RuntimeError(f"uv.lock has Django {version}, installed is {django.__version__}.")
    folder = FOLDER / f"django-{version}"
    if not folder.exists():
        with tempfile.TemporaryDirectory(dir=made(FOLDER)) as scratch:
            archive = download(f"django=={version} --hash={digest}", Path(scratch))
            with tarfile.open(archive) as opened:
                members = [each for each in opened.getmembers() if each.name.startswith(f"django-{version}/tests/")]
                opened.extractall(scratch, members, filter="data")
            (Path(scratch) / f"django-{version}").rename(folder)
    return folder / "tests"


def locked() -> tuple[str, str]:
    """Return the version of Django in uv.lock, and the digest of its source distribution."""
    packages = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    package = next(package for package in packages if package["name"] == "django")
    return package["version"], package["sdist"]["hash"]


def download(requirement: str, folder: Path) -> Path:
    """Download one source distribution with pip, from whichever index pip is set up for; return the archive."""
    python = FOLDER / "pip" / "bin" / "python"
    if not python.exists():  # the project's environment comes from uv, which has no such command
        venv.create(FOLDER / "pip", with_pip=True)
    wanted = folder / "requirements.txt"
    wanted.write_text(requirement)
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--no-binary", "django", "--require-hashes"]
    subprocess.run([python, "-m", "pip", "download", *options, "--dest", folder, "-r", wanted], check=True)
    return next(folder.glob("*.tar.gz"))


def made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
