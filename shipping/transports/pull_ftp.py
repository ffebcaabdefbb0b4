"""Orders that lie in a drop folder of the mall's own SFTP server until the department's program fetches them."""

from __future__ import annotations

from datetime import timedelta

from django import forms

from shipping.transports import fields
from shipping.transports.base import PullTransport, RouteSettings


class PullFtpSettings(RouteSettings):
    public_key = fields.HostKeyField(
        label="Public key",
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
        help_text="Of the department's program, one line: ssh-ed25519 AAAA… It signs in by that key alone.",
    )
    slips = forms.BooleanField(
        required=False, label="With packing slips", help_text="A PDF of the same name beside each order."
    )


class PullFtpTransport(PullTransport):
    """Shows dispatches as files in a folder of the vendor's own; ``shipping.drop_folder`` is the server.

    A file that is removed, or moved to ack/, is acknowledged; a signed receipt in ack/ is too.
    """

    label = "fetched by SFTP"
    description = (
        "The department's program fetches files from its folder on the mall's server, with OpenSSH's sftp or mall-pull;"
        " removing a file acknowledges it."
    )
    settings = PullFtpSettings
    ack_timeout = timedelta(hours=24)
    most_sends = 7

    @staticmethod
    def user_of(slug: str, department_id: int) -> str:
        """Return the name by which a department signs in; slugs are of one marketplace each."""
        return f"{slug}.{department_id}"

    @staticmethod
    def department_of(user: str) -> int:
        """Return the department's id in a name; 0 for any other text."""
        number = user.rpartition(".")[2]
        return int(number) if number.isascii() and number.isdigit() and len(number) < 19 else 0
