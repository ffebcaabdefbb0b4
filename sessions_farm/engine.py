"""Django's ``SESSION_ENGINE``: hands on the one session class."""

from sessions_farm.session.session import SessionStore

__all__ = ["SessionStore"]
