"""The live feed of shoppers on a vendor's watched pages."""

from django.apps import AppConfig


class SupportWatchConfig(AppConfig):
    name = "support_watch"
    verbose_name = "Support desk"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from support_watch import receivers  # noqa: F401, PLC0415 -- connects the receivers
