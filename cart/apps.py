"""The cart over all stores."""

from django.apps import AppConfig


class CartConfig(AppConfig):
    name = "cart"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from cart import receivers  # noqa: F401, PLC0415 -- connects them
