"""The Django app of payments by hand."""

from django.apps import AppConfig


class ManualConfig(AppConfig):
    """Configure the app."""

    name = "cart.checkout.payments.manual"
    label = "manual_gateway"
    verbose_name = "Bank transfers"
    default_auto_field = "django.db.models.BigAutoField"
