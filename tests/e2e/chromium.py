"""Brings a Chromium for the browser tests: ``python -m tests.e2e.chromium``.

In this order: Playwright's own build where it lies already; a Chromium on PATH; Playwright's build from its site; as
root on Debian or Ubuntu, the distribution's package.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from sessions_farm.testing.browser import AGENT

ON_PATH = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
FLAGS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-sync",
    "--no-first-run",
)
HOW = (
    "The browser tests need a Chromium. Type one of:\n"
    "  apt-get install chromium\n"
    "  .venv/bin/playwright install --with-deps chromium"
)


def flags() -> list[str]:
    """Chromium's sandbox refuses root; the pages are our own. Without a window it would name itself as robots do."""
    flags = [*FLAGS, f"--user-agent={AGENT}"]
    return [*flags, "--no-sandbox"] if os.geteuid() == 0 else flags


def find(playwrights_own: str, others: tuple[str, ...] = ON_PATH) -> str | None:
    if Path(playwrights_own).exists():
        return playwrights_own
    return next(filter(None, map(shutil.which, others)), None)


def bring() -> None:
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    for attempt in (download, from_the_distribution):
        if find(own):
            return
        attempt()
    if not find(own):
        sys.exit(HOW)


def download() -> None:
    say("Getting Chromium ...")
    dependencies = ["--with-deps"] if may_install() else []
    if run([sys.executable, "-m", "playwright", "install", *dependencies, "chromium"]):
        say("Playwright's own build cannot be had here.")


def from_the_distribution() -> None:
    if may_install():
        say("Installing the distribution's Chromium ...")
        run(["apt-get", "update", "-qq"])
        run(["apt-get", "install", "-qq", "-y", "--no-install-recommends", "chromium", "fonts-dejavu-core"])


def may_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def run(command: list[str]) -> int:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    quiet = subprocess.DEVNULL  # what matters of a failure is said by HOW
    return subprocess.run(command, env=environment, stdout=quiet, stderr=quiet, timeout=900, check=False).returncode


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 -- a program's voice


if __name__ == "__main__":
    bring()
