"""The Django app of orders, consignments and payments."""

from django.apps import AppConfig


class OrdersConfig(AppConfig):
    """Configure the app."""

    name = "cart.orders"
    verbose_name = "Orders"
    label = "orders"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Connect the signal receivers."""
        from cart.orders import receivers  # noqa: F401, PLC0415 -- connects them
