"""The Django app of the cart."""

from django.apps import AppConfig


class CartConfig(AppConfig):
    """Configure the app."""

    name = "cart"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Connect the signal receivers."""
        from cart import receivers  # noqa: F401, PLC0415 -- connects them
