"""URLs of one store, on its own host or below its path on the master: its pages and its support page."""

from django.urls import include, path

urlpatterns = [
    path("", include("vendors.urls_store")),
    path("support/", include("support_watch.urls_store")),
]
