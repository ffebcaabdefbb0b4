"""Django's SESSION_ENGINE."""

from django.contrib.sessions.backends.cache import SessionStore

__all__ = ["SessionStore"]
