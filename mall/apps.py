"""The project itself: pages that join the layers, health, the demo."""

from django.apps import AppConfig


class MallConfig(AppConfig):
    name = "mall"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from mall import audited_models, receivers, request_log  # noqa: F401, PLC0415 -- app ready
