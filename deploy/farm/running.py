"""The farm's start and end, with words for each known fault."""

from __future__ import annotations

import re
import time

from deploy.farm import FarmError, credentials, nodes
from deploy.farm.compose import Container, Farm, say, wait_for

# What the log of a container says, and what a person does about it.
REASONS = (
    (
        r"password authentication failed",
        (
            "The database was made with another password than the one in deploy/secrets/."
            " Bring the secrets of that farm back, or throw its data away: make farm-erase"
        ),
    ),
    (
        r"WRONGPASS|invalid username-password",
        "Redis was started with other secrets than those in deploy/secrets/; start it anew: make farm-down farm",
    ),
    (
        r"database files are incompatible|initialized by PostgreSQL version",
        (
            "The database was made by another version of PostgreSQL: back it up with that version's image"
            " (deploy/images.env), erase, and restore with this one."
        ),
    ),
    (r"No space left on device", "The disk is full: docker system df shows what uses it."),
)
PORT_TAKEN = re.compile(r"(?:address already in use|port is already allocated)")
NETWORK_TAKEN = re.compile(r"Pool overlaps with other one on this address space")


def start_farm(farm: Farm, *, build: bool = True) -> None:
    """Build and start everything; return once it is healthy. Raise FarmError with the reason where it is not."""
    begun = time.monotonic()
    credentials.make_secrets(farm)
    nodes.write_expected(farm)
    if build:
        say("Building the image (minutes where nothing is cached) ...")
        if farm.show("build", "--quiet", "volumes"):
            raise FarmError("The image could not be built; the reason is above.")
        say(f"  {time.monotonic() - begun:.0f} s")
    say("Starting: data, migrations, nodes, workers, balancer ...")
    try:
        farm.run("up", "--detach", "--no-build", seconds=1200)
        wait_well(farm)
    except FarmError as error:
        raise FarmError(why(farm, str(error))) from error
    nodes.follow_nodes(farm)
    say(f"The farm is up after {time.monotonic() - begun:.0f} s.")


def wait_well(farm: Farm, seconds: float = 600) -> None:
    """Wait until every part is well. Raise FarmError where one ended with an error, or is not in time.

    Compose's own `--wait` calls a farm failed whose one-shots have done their work before it looks.
    """

    def is_well() -> bool:
        there = farm.containers()
        ended = [each.service for each in there if each.state == "exited" and each.exit_code]
        if ended:
            raise FarmError(f"ended with an error: {', '.join(ended)}")
        return bool(there) and all(is_done_or_healthy(each) for each in there)

    wait_for(is_well, "every part to be healthy", seconds)


def is_done_or_healthy(container: Container) -> bool:
    """Return whether a container does what it should, or did it once."""
    if container.state == "exited":
        return container.exit_code == 0
    return container.state == "running" and container.health in {"", "healthy"}


def why(farm: Farm, said: str) -> str:
    """Return in words why a farm did not start."""
    if PORT_TAKEN.search(said):
        return (
            "Another program has one of the balancer's ports; choose others: make farm HTTPS_PORT=8443 HTTP_PORT=8080"
        )
    if NETWORK_TAKEN.search(said):
        return (
            "Another network of this machine has the farm's inner addresses, perhaps another farm's (make farm-down);"
            " or choose others: EDGE_NET=10.213.88.0/24 OUTSIDE_NET=10.213.89.0/24, and with HA=1 BACK_PREFIX=10.213.87"
        )
    failed = [container for container in farm.containers() if is_faulty(container)]
    logs = "\n".join(farm.run("logs", "--no-color", "--tail", "30", each.service, check=False) for each in failed)
    for pattern, words in REASONS:
        if re.search(pattern, logs):
            return words
    names = ", ".join(sorted({each.service for each in failed})) or "nothing"
    return f"The farm did not start; {names} failed:\n{logs[-3000:]}\n{said}"


def is_faulty(container: Container) -> bool:
    """Return whether a container keeps the farm from being up; a one-shot that did its work does not."""
    if container.state == "exited":
        return container.exit_code != 0
    return container.state in {"restarting", "dead"} or container.health == "unhealthy"


def stop_farm(farm: Farm, *, erase: bool = False) -> None:
    """Stop and remove the containers; with ``erase`` the data too."""
    words = ["down", "--timeout", "30", "--remove-orphans"]
    farm.show(*words, *(["--volumes"] if erase else []))
