"""The failure of an attempt in plain words: its meaning, and where to look."""

from __future__ import annotations

MEANINGS = (
    ("cannot be resolved", "There is no server of that name. Is it spelled right?"),
    ("connection refused", "Nothing takes connections at that port. Is it the right one, is the program running?"),
    ("connect call failed", "Nothing takes connections at that port. Is it the right one, is the program running?"),
    ("all connection attempts failed", "Nothing takes connections there. Is the port right, is the program running?"),
    ("timeout", "No answer in time. Is the server on, and does a firewall let the mall in?"),
    ("not a public address", "The name leads into a private network, where the mall never sends."),
    ("certificate", "The server's certificate does not prove its name. Has it run out, or is the name another?"),
    ("ssl", "The two sides found no way to encrypt. Does that port speak TLS?"),
    (
        "another host key",
        "It may be another server, or one set up anew. Ask its administrator, then change the key.",
    ),
    ("refuses the sign-in", "User, password or key are not those that the server knows."),
    ("no such file", "The folder is not there. Make it on the server, or correct its name."),
    ("permission denied", "The user may not write into that folder."),
    ("disconnected", "The server hung up in the middle. Does it speak this protocol at this port?"),
    ("secret_key", "The secrets were stored under another key of the mall: enter them anew."),
    ("(404)", "The server has no such page. Is the path of the address right?"),
    ("(401)", "The department's server has another secret than this route."),
    ("(422)", "The server does not understand the mall's format."),
    ("552", "The mailbox is full."),
)
"""Signs in a failure's text, in lower case, with what they mean; the first that fits counts."""


def meaning_of(text: str) -> str:
    """Return the meaning of a failure's text; empty where it speaks for itself."""
    lowered = text.lower()
    return next((meaning for sign, meaning in MEANINGS if sign in lowered), "")


def explain(error: Exception) -> str:
    """Return the meaning of a failure with its own words behind it."""
    said = str(error) or "No SECRET_KEY of the settings opens this route's secrets."
    meaning = meaning_of(f"{said} {getattr(error, 'code', '')}")
    return f"{meaning} ({said})" if meaning else said
