"""The Django app of jobs."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    """Configure the app."""

    name = "vendors.jobs"
    verbose_name = "Jobs"
    label = "jobs"
    default_auto_field = "django.db.models.BigAutoField"
