"""Successors: the id that a rotated id's session moved to, and who may follow there.

Who presses "Log in" twice sends two requests under one id. The first rotates the id; the answer that the browser keeps
is the second one's. So the tombstone of the old id has the new one, for the grace, encrypted under the old id and our
secret: neither a dump of the store nor the secret alone opens it.

An old id by itself leads nowhere, for somebody may have planted it before the login (session fixation). It is followed
by a request that itself signs somebody in, and as the same person: it has proved as much as the first one did.

The same holds for two presses of a form that changes a password: a request that was under way as the person it found
signed in, and has changed that person's password itself, follows. One that comes after the rotation does not: the
rotation is against those who have the old id.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from django.conf import settings

from sessions_farm.declarations import AUTH_VARIABLES
from sessions_farm.session import ids, serializer
from sessions_farm.stores.base import Header, State, now_ms
from sessions_farm.stores.effects.effects import InDjangoThread

if TYPE_CHECKING:
    from sessions_farm.session.variables import Variables
    from sessions_farm.stores.effects.effects import Effects
    from sessions_farm.stores.protocol import Sessions

PURPOSE = "farm|successor"
USER, BACKEND, HASH = AUTH_VARIABLES


def seal(old_id: str, new_id: str) -> str:
    """Encrypt the id that an id is rotated to. A key is used once, for an id is rotated once."""
    text = new_id.encode()
    return base64.urlsafe_b64encode(xor(text, ids.keystreams(PURPOSE, old_id, len(text))[0])).decode()


def unseal(old_id: str, sealed: str) -> str:
    """Return the id that ``seal`` encrypted; '' where there is none."""
    text = base64.urlsafe_b64decode(sealed)
    found = (xor(text, stream).decode("latin-1") for stream in ids.keystreams(PURPOSE, old_id, len(text)))
    return next((session_id for session_id in found if ids.ID.fullmatch(session_id)), "")


def find_effects(
    store: Sessions, new_id: str, variables: Variables, *, was_live: bool
) -> Effects[tuple[str, Header] | None]:
    """Return key and header of a successor, if a request with these variables may follow to it.

    ``was_live``: the request has loaded them before the rotation. Of two hashes of a changed password the session keeps
    the one that is in force.
    """
    for key in ids.digests_of(new_id):
        reading = yield from store.load(key, now_ms())
        if not reading.header or reading.state is not State.LIVE:
            continue
        if is_same_sign_in(variables, reading.variables):
            return key, reading.header
        if was_live and is_same_persons_password(variables, reading.variables):
            in_force: str | None = yield InDjangoThread(partial(hash_in_force, reading.variables))
            if in_force == reading.variables[HASH]:
                variables.replace_stored(HASH, in_force)
            if in_force is not None and in_force == variables.texts()[HASH]:
                return key, reading.header
    return None


def is_same_sign_in(variables: Variables, stored: Mapping[str, str]) -> bool:
    """Return whether this request has signed a person in, and the stored texts are of the same person's sign-in."""
    put = variables.change(variables.texts()).put
    return USER in put and all(put.get(name) == stored.get(name) for name in AUTH_VARIABLES)


def is_same_persons_password(variables: Variables, stored: Mapping[str, str]) -> bool:
    """Return whether this request has changed the password of the person who is signed in by the stored texts."""
    texts = variables.texts()
    put = variables.change(texts).put
    return (
        HASH in put
        and HASH in stored
        and USER in stored
        and put.keys().isdisjoint({USER, BACKEND})
        and all(texts.get(name) == stored[name] for name in (USER, BACKEND))
    )


def hash_in_force(stored: Mapping[str, str]) -> str | None:
    """Return the session's hash of the present password of the person in the stored texts; None without a person."""
    from django.contrib.auth import get_user_model, load_backend  # noqa: PLC0415 -- a site may do without

    user_id, path = (serializer.decode(stored[name]) for name in (USER, BACKEND))
    if path not in settings.AUTHENTICATION_BACKENDS:
        return None
    user = load_backend(path).get_user(get_user_model()._meta.pk.to_python(user_id))
    return serializer.encode(HASH, user.get_session_auth_hash()) if user is not None else None


def xor(text: bytes, stream: bytes) -> bytes:
    return bytes(byte ^ key for byte, key in zip(text, stream, strict=True))
