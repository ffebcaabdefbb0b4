"""The live feed of shoppers on a vendor's support page."""

from django.apps import AppConfig


class SupportWatchConfig(AppConfig):
    name = "support_watch"
    verbose_name = "Support desk"
    default_auto_field = "django.db.models.BigAutoField"
