"""Processes that write sessions at once (``writer``), held by the test: one order to all, and their answers.

Where a process meets the others in the middle of its work, it goes on when all have come to that point.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from django.conf import settings
from django.db import connection

import sessions_farm
from sessions_farm.tests.support.stock_engines import settings_of


class Fleet:
    """``size`` processes on the test's own database and Redis. The stock engines' settings are given at the start."""

    def __init__(self, size, folder):
        self.members = [
            subprocess.Popen(
                [sys.executable, "-m", "sessions_farm.tests.support.writer"],
                cwd=Path(sessions_farm.__file__).parent.parent,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(size)
        ]
        self.order([self.settings(folder)] * size)

    @staticmethod
    def settings(folder):
        names = ("ENGINE", "NAME", "USER", "PASSWORD", "HOST", "PORT")
        database = {name: str(connection.settings_dict[name]) for name in names}
        options = {"OPTIONS": connection.settings_dict["OPTIONS"]} if connection.vendor == "sqlite" else {}
        return settings_of(folder) | {
            "SECRET_KEY": settings.SECRET_KEY,
            "INSTALLED_APPS": ["django.contrib.auth", "django.contrib.contenttypes", "sessions_farm"],
            "DATABASES": {"default": database | options},
            "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
            "SESSIONS_FARM": {},
            "USE_TZ": True,
        }

    def order(self, orders):
        """Give each its order at once; return their answers, or raise what one of them met."""
        for member, order in zip(self.members, orders, strict=True):
            member.stdin.write(json.dumps(order) + "\n")
            member.stdin.flush()
        answers = self.hear()
        while all("meets" in answer for answer in answers):
            for member in self.members:
                member.stdin.write("\n")
                member.stdin.flush()
            answers = self.hear()
        faults = [answer["fault"] for answer in answers if "fault" in answer]
        if faults:
            raise AssertionError("\n".join(faults))
        return answers

    def hear(self):
        """Return the next line of each."""
        return [json.loads(member.stdout.readline() or '{"fault": "It died."}') for member in self.members]

    def dismiss(self):
        for member in self.members:
            member.stdin.close()
        for member in self.members:
            member.wait(timeout=30)
            member.stdout.close()
