"""The admin of communities and their domains."""

from sessions_farm.communities.admin import communities, domains  # noqa: F401  # they register themselves
