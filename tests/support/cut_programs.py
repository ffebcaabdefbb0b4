"""A department's programs, and the mall's own server, killed -9 at a step: just before a function, or behind it."""

import signal
import subprocess
import sys

from tests.integration.shipping.conftest import SITES

PRELUDE = """
import os, signal, sys
sys.path.insert(0, {sites!r})
def cut(owner, name, behind, when=lambda *_: True):
    real = getattr(owner, name)
    def dying(*given, **named):
        is_here = when(*given)
        found = real(*given, **named) if behind or not is_here else None
        if is_here:
            os.kill(os.getpid(), signal.SIGKILL)
        return found
    is_static = isinstance(vars(owner).get(name), staticmethod)
    setattr(owner, name, staticmethod(dying) if is_static else dying)
def asks(part):
    return lambda mall, how, to, *more: part in to
"""
TOOL = (
    PRELUDE
    + """
import mall_agent, mall_client, mall_merge, mall_pull, order_inbox
cut({cut})
{module}.main()
"""
)
SFTPD = (
    PRELUDE
    + """
import django
django.setup()
from shipping.drop_folder import tree
cut({cut})
from django.core.management import execute_from_command_line
execute_from_command_line(["manage.py", "sftpd", *sys.argv[1:]])
"""
)


def run_cut(module: str, cut: str, *arguments: object) -> None:
    """Run a department's program as far as a step, at which it is killed."""
    code = TOOL.format(sites=str(SITES), module=module, cut=cut)
    command = [sys.executable, "-c", code, *map(str, arguments)]
    ended = subprocess.run(command, timeout=60, check=False, capture_output=True, text=True)
    assert ended.returncode == -signal.SIGKILL, ended.stdout + ended.stderr
