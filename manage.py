#!/usr/bin/env python3
"""Django's command line for the mall."""

import os
import sys
from io import TextIOWrapper

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mall.settings")
    os.environ.setdefault("DB_POOL", "0")  # a command uses one connection, and a migration may take its time
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # who waits for a line in a pipe or log gets it at once
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
