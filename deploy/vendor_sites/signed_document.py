"""What the mall signs: envelopes of DSSE (https://github.com/secure-systems-lab/dsse), checked before anything is read.

A key file has a line for each key, as the mall's admin shows it once: the shop, the algorithm, the secret in base64.

    fowlers hmac-sha256 3q2+7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=

While keys change it has two lines of a shop; one good signature is enough. A changed file is read again by itself. A
department that packs for several shops has lines of each: an order of one shop under the key of another is refused.
Needs only Python; a line of ed25519 needs the library cryptography too.
"""

import base64
import hashlib
import hmac
import json
import re
import sys
from pathlib import Path

ORDER = "application/vnd.mall.dispatch.v1+json"
RECEIPT = "application/vnd.mall.receipt.v1+json"
JOB = "application/vnd.mall.job.v1+json"
SENDING = "application/vnd.mall.sending.v1+json"
SHARED = "application/vnd.mall.shared.v1+json"
SQLITE = "application/vnd.sqlite3"
CSV = "text/csv"

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 8
MAX_SIGNATURES = 8
BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)


class ForgedDocumentError(ValueError):
    """A document is not signed with a key of ours, or its form is wrong."""


class Key:
    """One line of the key file.

    With hmac-sha256 both sides know the same secret. With ed25519 the line has the mall's public key, 32 bytes, and a
    secret of 32 for our receipts: who reads it cannot forge an order.
    """

    def __init__(self, line: str) -> None:
        self.vendor, self.algorithm, text = line.split()
        secret = base64.b64decode(text, validate=True)
        if (self.algorithm, len(secret) >= 32) == ("hmac-sha256", True):
            self.public, self.secret = None, secret
        elif (self.algorithm, len(secret)) == ("ed25519", 64):
            self.public, self.secret = public_key(secret[:32]), secret[32:]
        else:
            raise ValueError(f"a key of {self.algorithm!r} with {len(secret)} bytes is not known")
        self.id = "mk_" + hashlib.sha256(f"{self.algorithm}:".encode() + secret).hexdigest()[:16]

    @property
    def token(self) -> str:
        """The bearer token by which a program signs in at the mall's pickup API."""
        derived = hmac.digest(self.secret, b"mall pickup token v1", "sha256")
        return f"{self.id}.{base64.urlsafe_b64encode(derived).decode().rstrip('=')}"

    def sign(self, message: bytes) -> bytes:
        return hmac.digest(self.secret, message, "sha256")

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Whether the mall made the signature."""
        if self.public is None:
            return hmac.compare_digest(self.sign(message), signature)
        return verifies(self.public, message, signature)


def public_key(raw: bytes) -> object:
    """A public key of Ed25519. The library is asked for only here: HMAC needs none."""
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415
    except ImportError as error:
        raise ValueError("ed25519 needs the library “cryptography”: pip install cryptography") from error
    return Ed25519PublicKey.from_public_bytes(raw)


def verifies(public: object, message: bytes, signature: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 -- as above

    try:
        public.verify(signature, message)
    except InvalidSignature:
        return False
    return True


class KeyFile:
    """The keys of a file, read again when it has changed; while it cannot be read, the keys of before hold."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seen = self._version()
        try:
            self.by_id = self._read()
        except (OSError, ValueError) as error:
            raise SystemExit(f"The key file {path} cannot be used: {error}") from error

    def of(self, vendor: str) -> Key:
        """The newest key of a shop, or the only shop's; raise SystemExit where it is not clear which."""
        found = [key for key in self.keys().values() if vendor in {"", key.vendor}]
        if not found or len({key.vendor for key in found}) > 1:
            raise SystemExit(f"{self.path} has no key of {vendor or 'one shop alone'}; say --vendor.")
        return found[-1]

    def keys(self) -> dict[str, Key]:
        version = self._version()
        if version != self.seen:
            self.seen = version
            try:
                self.by_id = self._read()
            except (OSError, ValueError) as error:
                print(f"{self.path} was changed and cannot be used: {error}", file=sys.stderr, flush=True)
        return self.by_id

    def _read(self) -> dict[str, Key]:
        lines = [line.strip() for line in self.path.read_text(encoding="utf-8").splitlines()]
        return {key.id: key for key in (Key(line) for line in lines if line and not line.startswith("#"))}

    def _version(self) -> tuple[int, int]:
        try:
            found = self.path.stat()
        except OSError:
            return (0, 0)
        return found.st_mtime_ns, found.st_size


def verify(content: bytes, kind: str, keys: dict[str, Key], detached: bytes | None = None) -> tuple[bytes, Key]:
    """The signed bytes, and the key that signed them. A detached signature is of bytes that came beside it."""
    document = load_object(content)
    payload = decoded(document.get("payload")) if detached is None else detached
    signatures = document.get("signatures")
    if document.get("payloadType") != kind or not isinstance(signatures, list) or len(signatures) > MAX_SIGNATURES:
        raise ForgedDocumentError(f"It is no signed document of the kind {kind}.")
    message = encode(kind, payload)
    for signature in signatures:
        key = keys.get(str(signature.get("keyid"))) if isinstance(signature, dict) else None
        if key is not None and key.verifies(message, decoded(signature.get("sig"))):
            return payload, key
    raise ForgedDocumentError("No key of ours signed it.")


def seal(payload: bytes, kind: str, key: Key) -> str:
    """An envelope of our own: a receipt for the mall."""
    signature = {"keyid": key.id, "sig": base64.b64encode(key.sign(encode(kind, payload))).decode()}
    document = {"payload": base64.b64encode(payload).decode(), "payloadType": kind, "signatures": [signature]}
    return json.dumps(document, separators=(",", ":"))


def encode(kind: str, payload: bytes) -> bytes:
    """The pre-authentication encoding of DSSE: the bytes that are signed."""
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(payload), payload)


def load_object(content: bytes) -> dict:
    """JSON from outside: refused before it is parsed where it is too long or too deep."""
    if len(content) > MAX_BYTES or depth_of(content) > MAX_DEPTH:
        raise ForgedDocumentError(f"It has more than {MAX_BYTES} bytes, or more than {MAX_DEPTH} levels.")
    try:
        document = json.loads(content)
    except ValueError as error:
        raise ForgedDocumentError("It is no JSON.") from error
    if not isinstance(document, dict):
        raise ForgedDocumentError("It is no object of JSON.")
    return document


def depth_of(content: bytes) -> int:
    deepest = level = 0
    for token in BRACKETS.finditer(content):
        if token[0][:1] in b"[{":
            level += 1
            deepest = max(deepest, level)
        elif token[0] in (b"]", b"}"):
            level -= 1
    return deepest


def decoded(text: object) -> bytes:
    if not isinstance(text, str):
        raise ForgedDocumentError("A part of it is missing.")
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise ForgedDocumentError("A part of it is no base64.") from error


def printable(text: object) -> str:
    """Text for a terminal or a log: what would move the cursor, or end the line, is shown as its number."""
    return "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in str(text))
