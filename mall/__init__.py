"""The Django project: settings, URLs, the mall's own pages and middleware. It defines no exceptions of its own."""

from mall.celery import app as celery_app

__all__ = ["celery_app"]
