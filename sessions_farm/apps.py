"""Sessions, visitors and communities for a Django farm."""

from django.apps import AppConfig


class SessionsFarmConfig(AppConfig):
    name = "sessions_farm"
    verbose_name = "Sessions farm"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from sessions_farm import checks, receivers  # noqa: F401, PLC0415 -- they register themselves
        from sessions_farm.communities import registry  # noqa: PLC0415 -- models load after the app
        from sessions_farm.scopes import join_visitors  # noqa: PLC0415 -- as above
        from sessions_farm.signals import (  # noqa: PLC0415 -- beside their receivers
            registry_changed,
            registry_changing,
            visitors_merging,
        )

        visitors_merging.connect(join_visitors, dispatch_uid="visitor-state")
        registry_changing.connect(registry.changing, dispatch_uid="registry")
        registry_changed.connect(registry.changed, dispatch_uid="registry")
