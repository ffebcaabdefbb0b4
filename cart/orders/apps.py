"""Orders, consignments and payments."""

from django.apps import AppConfig


class OrdersConfig(AppConfig):
    name = "cart.orders"
    label = "orders"
    default_auto_field = "django.db.models.BigAutoField"
