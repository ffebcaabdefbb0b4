"""A client of a Redis that does one thing after another to a few sessions until it is killed (``python -m``)."""

from __future__ import annotations

import contextlib
import random
import sys

from django.conf import settings

from sessions_farm.conf import Options
from sessions_farm.declarations import Declarations
from sessions_farm.stores.base import Change, Increment, Lifetime, StoreRefusedError
from sessions_farm.stores.effects.effects import run_sync
from sessions_farm.stores.redis.store import RedisStore

HOUR = 3_600_000


def hammer(url, prefix, start):
    declared = Declarations({"page": {"indexed": True, "shared": True}})
    store = RedisStore(Options(redis_url=url, redis_prefix=prefix, redis_timeout=5, variables=declared, max_live=25))
    now, keys = int(start), [f"key-{number}" for number in range(60)]
    while True:
        now += 1
        key, page = random.choice(keys), f'"/{random.randrange(3)}"'
        fresh = f"key-{now}-{random.random()}"
        act = random.choice(
            [
                store.create(key, {"page": page}, Lifetime(random.choice([5, HOUR]), now + HOUR), now),
                store.create(fresh, {"page": page, "_farm_owner": page}, Lifetime(HOUR, now + HOUR), now),
                store.apply(key, Change(put={"page": page}), now),
                store.apply(key, Change(drop=["page"]), now),
                store.apply(key, Change(put={"_farm_owner": page}, replace=True), now),
                store.modify(key, Increment("hits", 1), now),
                store.load(key, now),
                store.rotate(key, fresh, Change(put={"page": page}), now, 10),
                store.delete(key, "ended", now),
                store.end_where("page", page, key, "left", now),
                store.sweep(now, 5),
            ]
        )
        keys = [*keys[-40:], fresh]
        with contextlib.suppress(StoreRefusedError):
            run_sync(act)
        sys.stdout.write(f"{now}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    settings.configure()
    hammer(*sys.argv[1:])
