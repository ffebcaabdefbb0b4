"""The demo's people, with their roles and their password."""

from __future__ import annotations

from dataclasses import dataclass

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password

from deploy.demo import catalogue
from mall.accounts.models import User

PASSWORD = "mall-demo"  # noqa: S105 -- printed by the demo; of no use anywhere else


@dataclass(frozen=True, slots=True)
class Person:
    """``vendor`` and ``role`` are empty for shoppers and the mall's own staff."""

    email: str
    name: str
    vendor: str = ""
    role: str = ""
    is_superuser: bool = False

    @property
    def is_staff(self) -> bool:
        return self.is_superuser or bool(self.vendor)


MALL_STAFF = Person("admin@mall.localhost", "Síle Farrell", is_superuser=True)
OWNERS = {
    "fowlers": "Dermot Fowler",
    "noblebarney": "Agnes Noble",
    "thistle": "Áine Gaughan",
    "kilnrow": "Ruth Delaney",
    "harrowquill": "Fintan Harrow",
    "quayside": "Bríd Crowley",
    "saltmarsh": "Orla Keane",
    "nightjar": "Oisín Byrne",
    "spokeandsons": "Gráinne Spoke",
    "tumblewick": "Nuala Tumbleton",
    "oldrope": "Con Hannigan",
    "lamplighter": "Dervla Quirke",
}
HANDS = (
    Person("support@fowlers.localhost", "Maura Brennan", "fowlers", "support"),
    Person("packing@fowlers.localhost", "Jimmy Walsh", "fowlers", "orders"),
)
SHOPPERS = {
    "anna": Person("anna@example.org", "Anna Whelan"),
    "ben": Person("ben@example.org", "Ben Okafor"),
}


def owner_of(vendor: str) -> Person:
    return Person(f"{vendor}@mall.localhost", OWNERS[vendor], vendor, "owner")


def everybody() -> tuple[Person, ...]:
    owners = (owner_of(vendor.slug) for vendor in catalogue.vendors())
    return (MALL_STAFF, *owners, *HANDS, *SHOPPERS.values())


def sign_ins() -> list[tuple[str, Person]]:
    """Return one person of each role, with the role's name in the lines of welcome."""
    return [
        ("mall staff", MALL_STAFF),
        ("owner of Fowlers", owner_of("fowlers")),
        ("owner of Noble Barney", owner_of("noblebarney")),
        ("owner of Old Rope", owner_of("oldrope")),
        ("owner of Lamplighter", owner_of("lamplighter")),
        ("support of Fowlers", HANDS[0]),
        ("packing at Fowlers", HANDS[1]),
        ("shopper", SHOPPERS["anna"]),
        ("shopper", SHOPPERS["ben"]),
    ]


def load_people() -> dict[str, User]:
    """Return the demo's users by e-mail address; create the missing ones."""
    wanted = {person.email: person for person in everybody()}
    known = set(User.objects.filter(email__in=wanted).values_list("email", flat=True))
    missing = [person for email, person in wanted.items() if email not in known]
    if missing:
        hashed = make_password(PASSWORD)  # once: the hash is slow on purpose
        made = User.objects.bulk_create(_user(person, hashed) for person in missing)
        EmailAddress.objects.bulk_create(
            EmailAddress(user=user, email=user.email, primary=True, verified=True) for user in made
        )
    return {user.email: user for user in User.objects.filter(email__in=wanted)}


def _user(person: Person, hashed: str) -> User:
    return User(
        email=person.email,
        name=person.name,
        password=hashed,
        is_staff=person.is_staff,
        is_superuser=person.is_superuser,
    )
