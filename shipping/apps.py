"""From the paid order to the vendor's shipping department."""

from django.apps import AppConfig


class ShippingConfig(AppConfig):
    name = "shipping"
    verbose_name = "Dispatch"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from shipping import receivers  # noqa: F401, PLC0415 -- connects them, once the models are there
