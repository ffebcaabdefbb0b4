"""The farm in the admin: sessions, communities, domains. Django looks for this module alone."""

from sessions_farm import admin_communities, admin_domains, admin_sessions  # noqa: F401  # they register themselves
