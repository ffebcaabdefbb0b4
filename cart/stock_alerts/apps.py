"""The Django app of stock alerts."""

from django.apps import AppConfig


class StockAlertsConfig(AppConfig):
    """Configure the app."""

    name = "cart.stock_alerts"
    label = "stock_alerts"
    verbose_name = "Stock alerts"
    default_auto_field = "django.db.models.BigAutoField"
