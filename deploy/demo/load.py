"""Loads the demo. Only missing rows and files are made: a second run is quick and keeps all changes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.db import transaction

from deploy.demo import catalogue, goods, history, people, pictures, places, routes

type Say = Callable[[str], None]


def load(*, now: datetime, with_pictures: bool, say: Say) -> None:
    """Fill the mall; ``say`` gets a line for each step. A failure rolls its own step back."""
    mall = catalogue.mall()
    with transaction.atomic():
        users = people.load_people()
        town = places.load_places(users)
        say(f"{mall.name}: {len(town.vendors)} vendors, {len(town.categories)} categories, {len(users)} people")
        say(f"{goods.load_goods(town, now)} new products on the shelves")
        history.load_addresses(users)
        say(f"{history.load_orders(town, users, now)} past orders in the books")
    say(f"{routes.load_routes(town, now)} routes to shipping departments set")
    if with_pictures:
        pictures.load_pictures(town, list(pictures.pictures()), say)
