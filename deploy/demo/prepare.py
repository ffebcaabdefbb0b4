"""``python -m deploy.demo.prepare WELCOME``: tables, goods, and the words of welcome, in one start of Django."""

import sys
from pathlib import Path
from urllib.parse import urljoin

import django
from django.core.management import call_command


def welcome() -> list[str]:
    """Return the lines of welcome: the shops' addresses and a sign-in of each role."""
    from deploy.demo import people  # noqa: PLC0415 -- its models need the settings
    from sessions_farm.communities.links import absolute_url  # noqa: PLC0415
    from sessions_farm.communities.models import Domain  # noqa: PLC0415

    addresses = [
        ("the mall", absolute_url("mall.localhost", "/")),
        ("Fowlers", absolute_url("fowlers.localhost", "/")),
        ("Noble Barney", absolute_url("noblebarney.localhost", "/")),
        ("Thistle", absolute_url("thistle.shops.localhost", "/")),
        ("administration", absolute_url("mall.localhost", "/admin/")),
        ("Fowlers' visitors", absolute_url("mall.localhost", "/watch/fowlers/")),
        ("another mall", absolute_url("secondtide.localhost", "/")),
        ("its Old Rope", absolute_url("oldrope.localhost", "/")),
    ]
    external = Domain.objects.active().filter(kind=Domain.Kind.EXTERNAL)
    addresses += [("an external magazine", urljoin(member.redirect_uris.split()[0], "/")) for member in external]
    return [
        "Open in a browser:",
        *(f"  {name:<22} {address}" for name, address in addresses),
        "Read every mail of the demo: make mail",
        f"Sign in (password of all: {people.PASSWORD}):",
        *(f"  {role:<22} {person.email}" for role, person in people.sign_ins()),
    ]


def main(welcome_file: Path) -> None:
    django.setup()
    call_command("migrate", interactive=False, verbosity=0)
    call_command("load_demo")
    welcome_file.write_text("\n".join(welcome()))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
