"""The session engine as a Django app."""

from django.apps import AppConfig, apps


class SessionsFarmConfig(AppConfig):
    name = "sessions_farm"
    verbose_name = "Sessions farm"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from sessions_farm import checks  # noqa: F401, PLC0415 -- they register themselves

        if apps.is_installed("django.contrib.auth"):
            from sessions_farm.session import receivers  # noqa: PLC0415 -- only where there is a login

            receivers.connect()
