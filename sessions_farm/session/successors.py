"""Successors: the id that a rotated id's session moved to, and who may follow there.

Who presses "Log in" twice sends two requests under one id. The first rotates the id; the answer that the browser keeps
is the second one's. So the tombstone of the old id has the new one, for the grace, encrypted under the old id and our
secret: neither a dump of the store nor the secret alone opens it.

An old id by itself leads nowhere, for somebody may have planted it before the login (session fixation). It is followed
by a request that itself signs somebody in, and as the same person: it has proved as much as the first one did.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING

from sessions_farm.declarations import AUTH_VARIABLES
from sessions_farm.session import ids
from sessions_farm.stores.base import Header, State, now_ms

if TYPE_CHECKING:
    from sessions_farm.session.variables import Variables
    from sessions_farm.stores.effects.effects import Effects
    from sessions_farm.stores.protocol import Sessions

PURPOSE = "farm|successor"


def seal(old_id: str, new_id: str) -> str:
    """Encrypt the id that an id is rotated to. A key is used once, for an id is rotated once."""
    text = new_id.encode()
    return base64.urlsafe_b64encode(xor(text, ids.keystreams(PURPOSE, old_id, len(text))[0])).decode()


def unseal(old_id: str, sealed: str) -> str:
    """Return the id that ``seal`` encrypted; '' where there is none."""
    text = base64.urlsafe_b64decode(sealed)
    found = (xor(text, stream).decode("latin-1") for stream in ids.keystreams(PURPOSE, old_id, len(text)))
    return next((session_id for session_id in found if ids.ID.fullmatch(session_id)), "")


def find_effects(store: Sessions, new_id: str, variables: Variables) -> Effects[tuple[str, Header] | None]:
    """Return key and header of a successor, if a request with these variables may follow to it."""
    for key in ids.digests_of(new_id):
        reading = yield from store.load(key, now_ms())
        if reading.header and reading.state is State.LIVE and is_same_sign_in(variables, reading.variables):
            return key, reading.header
    return None


def is_same_sign_in(variables: Variables, stored: Mapping[str, str]) -> bool:
    """Return whether this request has signed a person in, and the stored texts are of the same person's sign-in."""
    put = variables.change(variables.texts()).put
    return AUTH_VARIABLES[0] in put and all(put.get(name) == stored.get(name) for name in AUTH_VARIABLES)


def xor(text: bytes, stream: bytes) -> bytes:
    return bytes(byte ^ key for byte, key in zip(text, stream, strict=True))
