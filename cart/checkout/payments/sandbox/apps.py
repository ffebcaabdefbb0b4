"""The Django app of the simulated payment company."""

from django.apps import AppConfig


class SandboxConfig(AppConfig):
    """Configure the app."""

    name = "cart.checkout.payments.sandbox"
    label = "sandbox_gateway"
    default_auto_field = "django.db.models.BigAutoField"
