"""Sessions, visitors and communities for a Django farm."""

from django.apps import AppConfig


class SessionsFarmConfig(AppConfig):
    name = "sessions_farm"
    verbose_name = "Sessions farm"
    default_auto_field = "django.db.models.BigAutoField"
