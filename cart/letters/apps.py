"""The Django app of letters."""

from django.apps import AppConfig


class LettersConfig(AppConfig):
    """Configure the app."""

    name = "cart.letters"
    verbose_name = "Letters"
    label = "letters"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Connect the signal receivers."""
        from cart.letters import receivers  # noqa: F401, PLC0415 -- connects them
