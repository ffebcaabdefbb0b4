"""``python3 -m deploy.farm COMMAND``, as `make farm-...` calls it, for the farm that MODE and FARM mean."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from deploy.farm import FarmError, backup, credentials, nodes, pairs, reach, running, scaling
from deploy.farm.compose import Farm, farm_of_environment, say


def farm_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    found = argparse.ArgumentParser(prog="python3 -m deploy.farm")
    commands = found.add_subparsers(dest="command", required=True)
    for name in ("init", "up", "down", "erase", "reload", "backup", "rotate-key", "promote", "reach"):
        commands.add_parser(name)
    scale = commands.add_parser("scale")
    scale.add_argument("--web", type=int, help="nodes of the shared pool")
    scale.add_argument("--large", type=int, help="nodes of the big vendor's pool")
    commands.add_parser("rollout").add_argument("--no-build", action="store_true", help="the image is there already")
    commands.add_parser("restore").add_argument("folder", type=Path)
    return found


def start_as_asked(farm: Farm) -> None:
    """Start the farm, with pairs where HA=1 says so, or where it had them."""
    pairs.choose_pairs(farm, os.environ.get("HA", ""))
    running.start_farm(farm)


def scale_as_asked(farm: Farm, given: argparse.Namespace) -> None:
    """Bring the pools that were named to their numbers of nodes."""
    asked = {"WEB": given.web, "LARGE": given.large}
    scaling.scale_pools(farm, {name: count for name, count in asked.items() if count is not None})


PERFORM: dict[str, Callable[[Farm, argparse.Namespace], object]] = {
    "init": lambda farm, _: credentials.make_secrets(farm),
    "up": lambda farm, _: start_as_asked(farm),
    "down": lambda farm, _: running.stop_farm(farm),
    "erase": lambda farm, _: running.stop_farm(farm, erase=True),
    "reload": lambda farm, _: nodes.follow_nodes(farm),
    "rotate-key": lambda _farm, _given: credentials.rotate_key(),
    "promote": lambda farm, _: pairs.promote(farm),
    "reach": lambda farm, _: reach.show_reach(farm),
    "scale": scale_as_asked,
    "rollout": lambda farm, given: scaling.roll_out(farm, build=not given.no_build),
    "backup": lambda farm, _: backup.make_backup(farm),
    "restore": lambda farm, given: backup.restore_backup(farm, given.folder),
}


def main() -> int:
    """Run the command line; return its exit code."""
    given = farm_parser().parse_args()
    try:
        PERFORM[given.command](farm_of_environment(), given)
    except FarmError as error:
        say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
