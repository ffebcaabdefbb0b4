"""A pretend payment company with a hosted page, for the demo and the tests."""

from django.apps import AppConfig


class SandboxConfig(AppConfig):
    name = "cart.checkout.payments.sandbox"
    label = "sandbox_gateway"
    default_auto_field = "django.db.models.BigAutoField"
