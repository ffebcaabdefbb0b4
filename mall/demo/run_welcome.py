"""What the demo says when it is ready: the addresses of its shops, and who may sign in."""

import django


def lines() -> list[str]:
    from mall.demo import people  # noqa: PLC0415 -- its models need the settings
    from sessions_farm.links import absolute_url  # noqa: PLC0415

    addresses = [
        ("the mall", absolute_url("mall.localhost", "/")),
        ("Fowlers", absolute_url("fowlers.localhost", "/")),
        ("Noble Barney", absolute_url("noblebarney.localhost", "/")),
        ("Thistle", absolute_url("thistle.shops.localhost", "/")),
        ("administration", absolute_url("mall.localhost", "/admin/")),
        ("Fowlers' visitors", absolute_url("mall.localhost", "/watch/fowlers/")),
    ]
    return [
        "Open in a browser:",
        *(f"  {name:<20} {address}" for name, address in addresses),
        f"Sign in (password of all: {people.PASSWORD}):",
        *(f"  {role:<20} {person.email}" for role, person in people.sign_ins()),
    ]


if __name__ == "__main__":
    django.setup()
    print("\n".join(lines()))  # noqa: T201 -- a program's voice
