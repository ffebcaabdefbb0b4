"""People who sign in."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "mall.accounts"
    label = "accounts"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Accounts"

    def ready(self) -> None:
        from mall.accounts import devices  # noqa: F401, PLC0415 -- it registers its receiver
