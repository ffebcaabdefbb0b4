"""A process that keeps a child at work, however often that is killed -9: the tests of kills start several.

A line of JSON in, a line out. The first is Django's settings; each further one is an order, done when a child ends by
itself. Who was killed is followed by the next one at once: a child is a fork of this process, which has Django ready
and no connection to anything.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from pathlib import Path

from sessions_farm.tests.support.writer import put_options_in_force, say


def main():
    from django.conf import settings  # noqa: PLC0415 -- there are none yet

    settings.configure(**json.loads(sys.stdin.readline()))
    import django  # noqa: PLC0415 -- as above

    django.setup()
    from sessions_farm.tests.support import events_worker  # noqa: PLC0415 -- its imports need Django ready

    events_worker.load()
    say({"ready": True})
    for line in sys.stdin:
        say(kept(events_worker.ROLES, **json.loads(line)))


def kept(roles, role, options, folder, me, seed, **order):
    """Until a child ends by itself. Gives when children were killed (Unix ms), and what the last one raised."""
    put_options_in_force(options)
    kills = []
    while True:
        child = os.fork()
        if not child:
            become(lambda: roles[role](Path(folder), me, f"{seed} {me} {len(kills)}", **order), Path(folder) / "faults")
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            break
        kills.append(time.time_ns() // 1_000_000)
    return {"kills": kills}


def become(role, faults):
    """What a child raises is written down; in no case it goes on as its parent."""
    try:
        role().play()
    except BaseException:  # noqa: BLE001 -- as above
        with faults.open("a") as file:
            file.write(traceback.format_exc())
    finally:
        os._exit(0)


if __name__ == "__main__":
    main()
