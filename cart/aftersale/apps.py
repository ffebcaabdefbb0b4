"""The Django app of cancellations, refunds and returns."""

from django.apps import AppConfig


class AfterSaleConfig(AppConfig):
    """Configure the app."""

    name = "cart.aftersale"
    label = "aftersale"
    verbose_name = "After the sale"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Connect the signal receivers."""
        from cart.aftersale import receivers  # noqa: F401, PLC0415 -- connects them
