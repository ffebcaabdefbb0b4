"""The app of the user accounts."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "mall.accounts"
    label = "accounts"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Accounts"

    def ready(self) -> None:
        from mall.accounts import receivers  # noqa: F401, PLC0415 -- connects them, once the models are there
