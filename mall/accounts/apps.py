"""People who sign in."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "mall.accounts"
    label = "accounts"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Accounts"
