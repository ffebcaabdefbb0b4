"""A push into a folder, and the acknowledgements in it: the same steps over each protocol of files."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import ClassVar

from django import forms

from shipping import envelope
from shipping.keys import file_name
from shipping.threads import run_abandonable
from shipping.transports import fields
from shipping.transports.base import (
    AckPolicy,
    CollectingTransport,
    DispatchPayload,
    Endpoint,
    FoundAck,
    SendResult,
    SentFile,
    TransportError,
)
from shipping.transports.windows import WindowSettings

DONE = "done"
PARTS = 10  # earlier attempts whose left-over temporary files are removed
RECEIPT_BYTES = 16 * 1024


class FolderSettings(WindowSettings):
    """The settings that a folder has over each protocol."""

    folder = fields.FolderField(
        required=False,
        help_text="Where files are put: inbox where it is left empty. Files moved to done/ in it are acknowledged.",
    )
    slips = forms.BooleanField(
        required=False, label="With packing slips", help_text="A PDF of the same name beside each order."
    )


class RemoteFolder(ABC):
    """A session with a file server. Each method raises TransportError where the server does not do it."""

    @abstractmethod
    async def read(self, path: str, limit: int) -> bytes | None:
        """Return a file's content, cut one byte beyond the limit; None where there is no such file."""

    @abstractmethod
    async def exists(self, path: str) -> bool:
        """Return True where there is a file or a folder of that name."""

    @abstractmethod
    async def write(self, path: str, content: bytes) -> int:
        """Write a file; return its size as the server says it."""

    @abstractmethod
    async def rename(self, path: str, to: str) -> None:
        """Rename a file, not over another one where the protocol can say so."""

    @abstractmethod
    async def remove(self, path: str) -> None:
        """Remove a file; do nothing where it is not there."""


class FolderTransport(CollectingTransport):
    """Uploads under a temporary name, verifies the size, then renames.

    The department acknowledges by a file ``<name>.ack`` beside the file or in ``done/``, or by moving the file to
    ``done/``: who can write there has signed in at the server. A signed receipt in the ``.ack`` file also holds where
    others can write there.
    """

    settings: ClassVar[type[FolderSettings]]
    ack_policies = (AckPolicy.FILE, AckPolicy.SIGNED, AckPolicy.CALLBACK, AckPolicy.ANSWER)
    deadline = timedelta(seconds=25)
    in_flight = 2
    looks_at_once: ClassVar[int] = 1
    """Files looked for at the same time in one session."""

    @abstractmethod
    def session(self, endpoint: Endpoint) -> AbstractAsyncContextManager[RemoteFolder]:
        """Sign in; raise each failure of network or server as a TransportError."""

    async def send(self, payload: DispatchPayload, endpoint: Endpoint) -> SendResult:
        folder, name = _folder(endpoint), file_name(payload.key, payload.sha256)
        content = endpoint.seal(payload.body)
        async with self.session(endpoint) as remote:
            await _remove_parts(remote, folder, name, payload.attempt)
            found = await _find_ack(remote, folder, SentFile(payload.key, payload.sha256), endpoint)
            if found:
                response = f"{name} was received before."
                return SendResult(acked=True, code="done", response=response, outcome=found.outcome)
            await _put_slip(remote, folder, name, payload)
            there = await remote.read(f"{folder}/{name}", envelope.MAX_BYTES)
            if there is not None:  # the response to an earlier rename was lost
                if there == content or envelope.unverified_payload(there) != payload.body:
                    return _judge(f"{folder}/{name}", there, content)
                await remote.remove(f"{folder}/{name}")  # the same order under keys that sign no more
            return await _write(remote, _part(folder, name, payload.attempt), f"{folder}/{name}", content)

    async def try_out(self, endpoint: Endpoint) -> str:
        folder = _folder(endpoint)
        async with self.session(endpoint) as remote:
            name = f"{folder}/.mall_test.part"
            await _put(remote, name, b"test")
            await remote.remove(name)
            done = await remote.exists(f"{folder}/{DONE}")
        words = "" if done else f" There is no folder {DONE}/ in it; files are acknowledged by moving them there."
        return f"Signed in, wrote a file in {folder}/ and removed it.{words}"

    async def collect(self, sent: Sequence[SentFile], endpoint: Endpoint) -> list[FoundAck]:
        """Ask for each file by its name: a list of ``done/`` grows for ever."""
        folder = _folder(endpoint)
        async with self.session(endpoint) as remote:
            turn = asyncio.Semaphore(self.looks_at_once)

            async def look(file: SentFile) -> FoundAck | None:
                async with turn:
                    return await _find_ack(remote, folder, file, endpoint)

            return [found for found in await asyncio.gather(*map(look, sent)) if found]


def _folder(endpoint: Endpoint) -> str:
    folder = endpoint.text("folder", "inbox")
    if not fields.FOLDER.fullmatch(folder):
        raise TransportError(f"The folder {folder!r} holds more than letters, digits, - and _.", hold=True)
    return folder


def _part(folder: str, name: str, attempt: int) -> str:
    return f"{folder}/.{name}.{attempt}.part"


async def _remove_parts(remote: RemoteFolder, folder: str, name: str, attempt: int) -> None:
    """Remove what earlier attempts left when they were cut off. One that still writes fails at its rename."""
    for earlier in range(max(1, attempt - PARTS), attempt):
        await remote.remove(_part(folder, name, earlier))


async def _put_slip(remote: RemoteFolder, folder: str, name: str, payload: DispatchPayload) -> None:
    """Put the slip first, so that it is there when the order appears."""
    final = f"{folder}/{name.removesuffix('.json')}.pdf"
    if payload.slip is None or await remote.exists(final):
        return
    part = _part(folder, f"{name}.pdf", payload.attempt)
    await _put(remote, part, await run_abandonable(payload.slip))
    await remote.rename(part, final)


async def _write(remote: RemoteFolder, part: str, final: str, body: bytes) -> SendResult:
    try:
        await _put(remote, part, body)
        await remote.rename(part, final)
    except TransportError as error:
        there = await _after_failure(remote, part, final, len(body))
        if there is None:
            raise error from error.__cause__
        return _judge(final, there, body)
    return SendResult(acked=False, code="renamed", response=final)


async def _after_failure(remote: RemoteFolder, part: str, final: str, limit: int) -> bytes | None:
    """Remove the temporary file; return the file under the final name, None where there is none."""
    try:
        await remote.remove(part)
        return await remote.read(final, limit)
    except TransportError:
        return None


async def _put(remote: RemoteFolder, part: str, body: bytes) -> None:
    size = await remote.write(part, body)
    if size != len(body):
        raise TransportError(f"{part} holds {size} of {len(body)} bytes.", code="size")


async def _find_ack(remote: RemoteFolder, folder: str, sent: SentFile, endpoint: Endpoint) -> FoundAck | None:
    """Return the acknowledgement of a file as the route expects it."""
    if endpoint.ack_policy == AckPolicy.CALLBACK:
        return None
    name = file_name(sent.key, sent.sha256)
    is_signed = endpoint.ack_policy == AckPolicy.SIGNED
    for place in (f"{folder}/{DONE}/{name}.ack", f"{folder}/{name}.ack"):
        content = await remote.read(place, RECEIPT_BYTES)
        if content is None:
            continue
        found = endpoint.find_receipt(content, sent.key)
        if found or not is_signed:
            return found or FoundAck(sent.key)
    return None if is_signed or not await remote.exists(f"{folder}/{DONE}/{name}") else FoundAck(sent.key)


def _judge(final: str, there: bytes, body: bytes) -> SendResult:
    if there != body:
        raise TransportError(f"{final} holds something else; it was not touched.", permanent=True, code="conflict")
    return SendResult(acked=False, code="there", response=f"{final} was there already, the same byte for byte.")
