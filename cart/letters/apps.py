"""The Django app of letters."""

from django.apps import AppConfig


class LettersConfig(AppConfig):
    """Configure the app."""

    name = "cart.letters"
    verbose_name = "Letters"
    label = "letters"
    default_auto_field = "django.db.models.BigAutoField"
