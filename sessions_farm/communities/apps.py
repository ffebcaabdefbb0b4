"""Visitors, domains and the hand-off, over the session engine."""

from django.apps import AppConfig


class CommunitiesConfig(AppConfig):
    name = "sessions_farm.communities"
    label = "communities"
    verbose_name = "Communities"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django.db import router  # noqa: PLC0415 -- as the models below

        from sessions_farm.communities import checks, receivers  # noqa: F401, PLC0415 -- they register themselves
        from sessions_farm.communities.models import VisitorKey  # noqa: PLC0415 -- models load after the app
        from sessions_farm.communities.registry import registry  # noqa: PLC0415 -- models load after the app
        from sessions_farm.communities.signals import (  # noqa: PLC0415 -- beside their receivers
            registry_changed,
            registry_changing,
            visitors_merging,
        )
        from sessions_farm.communities.visitors.state import merge_visitor_state  # noqa: PLC0415 -- as above
        from sessions_farm.session.audience import register_finder  # noqa: PLC0415 -- as above
        from sessions_farm.stores.sql.followers import FollowingTable, register_follower  # noqa: PLC0415 -- as above

        table, alias = VisitorKey._meta.db_table, router.db_for_write(VisitorKey)
        register_finder(registry.resolve)
        register_follower(FollowingTable(table, "key_hash", ("visitor_id", "created_at"), alias))
        visitors_merging.connect(merge_visitor_state, dispatch_uid="visitor-state")
        registry_changing.connect(registry.on_changing, dispatch_uid="registry")
        registry_changed.connect(registry.on_changed, dispatch_uid="registry")
