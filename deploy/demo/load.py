"""Loads the demo. Only missing rows and files are made: a second run is quick and keeps all changes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.db import transaction

from deploy.demo import catalogue, goods, history, people, pictures, places, reviews, routes
from deploy.demo.catalogue import MallEntry
from deploy.demo.places import Places
from mall.accounts.models import User
from vendors import card_refresh

type Say = Callable[[str], None]


def load(*, now: datetime, with_pictures: bool, say: Say) -> None:
    """Fill the mall; ``say`` gets a line for each step. A failure rolls its own step back."""
    with transaction.atomic():
        users = people.load_people()
        say(f"{len(users)} people")
        towns = [load_mall(mall, users, now, say) for mall in catalogue.malls()]
        history.load_addresses(users)
        say(f"{history.load_orders(towns[0], users, now)} past orders in the books")
        say(f"{reviews.load_reviews(towns[0], now)} reviews by buyers")
    say(f"{sum(routes.load_routes(town, now) for town in towns)} routes to shipping departments set")
    if with_pictures:
        for town in towns:
            pictures.load_pictures(town, list(pictures.pictures(town.mall)), say)
    card_refresh.refresh_all(now)


def load_mall(mall: MallEntry, users: dict[str, User], now: datetime, say: Say) -> Places:
    """Load a community, its vendors and their goods."""
    town = places.load_places(mall, users)
    say(f"{mall.name}: {len(town.vendors)} vendors, {len(town.categories)} categories")
    say(f"{goods.load_goods(town, now)} new products on the shelves")
    return town
