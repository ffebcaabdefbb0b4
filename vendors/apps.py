"""The Django app of vendors, their storefronts, catalogue and stock."""

from django.apps import AppConfig
from django.db.models.signals import post_delete, post_save


class VendorsConfig(AppConfig):
    """Configure the app and watch its registry models."""

    name = "vendors"
    verbose_name = "Shop"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Bump the registry's version whenever a cached model changes; name the kinds of jobs, and the checks."""
        from vendors import checks  # noqa: F401, PLC0415 -- they register themselves
        from vendors.receivers import bump_registry_version  # noqa: PLC0415 -- models are loaded only now
        from vendors.sheets import kinds  # noqa: F401, PLC0415 -- as below; a kind of job registers itself

        for model in ("Marketplace", "Synonym", "Vendor", "VendorDomain", "Storefront"):
            for signal in (post_save, post_delete):
                signal.connect(
                    bump_registry_version, sender=self.get_model(model), dispatch_uid=f"vendors-{model}-{id(signal)}"
                )
