"""Form fields of routes' settings: each checks, and brings typed text into its stored form."""

from __future__ import annotations

import ipaddress
import re
from typing import Any
from urllib.parse import SplitResult, urlsplit, urlunsplit

import idna
from django import forms
from django.core.exceptions import ValidationError

from shipping import signatures

LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
FOLDER = re.compile(r"/?[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*")


def clean_host(text: str) -> str:
    """Return a host's name in ASCII, or its IP address; raise ValidationError for anything else."""
    host = text.strip().rstrip(".").lower()
    try:
        return str(ipaddress.ip_address(host.strip("[]")))
    except ValueError:
        pass
    try:
        name = host if host.isascii() else idna.encode(host, uts46=True).decode()
    except idna.IDNAError as error:
        raise ValidationError(f"“{text}” is no host's name: {error}.") from error
    if len(name) > 253 or not all(LABEL.fullmatch(label) for label in name.split(".")):
        raise ValidationError(
            f"“{text}” is no host's name; it looks like files.example.org, without https:// or a path."
        )
    return name


class HostField(forms.CharField):
    """The name or the IP address of a server."""

    def clean(self, value: Any) -> str:
        text = str(super().clean(value))
        return clean_host(text) if text else ""


class PortField(forms.IntegerField):
    """A TCP port."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=1, max_value=65535, **options)


class AddressField(forms.CharField):
    """The address of a web server, in ASCII."""

    def clean(self, value: Any) -> str:
        text = str(super().clean(value))
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError as error:
            raise ValidationError(f"“{text}” is no address: {error}.") from error
        if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
            raise ValidationError(f"“{text}” is no address; it looks like https://orders.example.org/mall.")
        self._refuse_parts(parts, text)
        host = clean_host(parts.hostname)
        bracketed = f"[{host}]" if ":" in host else host
        netloc = bracketed if port is None else f"{bracketed}:{port}"
        return urlunsplit((parts.scheme, netloc, parts.path or "/", parts.query, ""))

    def _refuse_parts(self, parts: SplitResult, text: str) -> None:
        if parts.username is not None or parts.password is not None:
            raise ValidationError("The address holds a user name; the signature proves who sends, so leave it out.")
        if not (parts.path + parts.query).isascii() or re.search(r"[\s\x00-\x1f\\]", text):
            raise ValidationError("Write letters outside ASCII, blanks and \\ as %XX in the address.")


class MailboxField(forms.EmailField):
    """A mail address, its domain in ASCII."""

    def clean(self, value: Any) -> str:
        text = str(super().clean(value))
        if not text:
            return ""
        local, _, domain = text.rpartition("@")
        return f"{local}@{clean_host(domain)}"


class FolderField(forms.CharField):
    """A folder on a file server."""

    def clean(self, value: Any) -> str:
        text = str(super().clean(value)).rstrip("/")
        if text and not FOLDER.fullmatch(text):
            raise ValidationError(f"“{text}” holds more than letters, digits, - and _, with / between folders.")
        return text


class HostKeyField(forms.CharField):
    """The public key of an SSH server, as one line of OpenSSH."""

    def clean(self, value: Any) -> str:
        import asyncssh  # noqa: PLC0415 -- a sixth of what every process takes to start

        text = str(super().clean(value))
        try:
            key = asyncssh.import_public_key(text)
        except (asyncssh.KeyImportError, ValueError) as error:
            raise ValidationError(
                "This is no public key; the server's administrator finds it in /etc/ssh/ssh_host_ed25519_key.pub, and"
                " it begins with ssh-ed25519."
            ) from error
        return key.export_public_key().decode().strip()


class SecretField(forms.CharField):
    """A password; it is never shown again."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("widget", forms.PasswordInput(attrs={"autocomplete": "new-password"}))
        super().__init__(required=False, strip=False, **options)


class WebhookSecretField(SecretField):
    """The secret under which requests are signed."""

    def clean(self, value: Any) -> str:
        text = str(super().clean(value)).strip()
        if text:
            try:
                signatures.key_bytes(text)
            except ValueError as error:
                raise ValidationError(str(error)) from error
        return text


class PrivateKeyField(SecretField):
    """A private key of OpenSSH, without a passphrase."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            widget=forms.Textarea(attrs={"rows": 3, "autocomplete": "off", "spellcheck": "false"}), **options
        )

    def clean(self, value: Any) -> str:
        import asyncssh  # noqa: PLC0415 -- a sixth of what every process takes to start

        text = str(super().clean(value)).strip()
        if text:
            try:
                asyncssh.import_private_key(f"{text}\n")
            except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError, ValueError) as error:
                raise ValidationError(
                    f"This private key cannot be read: {error}. It must have no passphrase."
                ) from error
            text += "\n"
        return text
