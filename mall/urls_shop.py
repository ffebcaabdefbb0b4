"""Everything that belongs to one store, wherever it lies: its pages and its support page."""

from django.urls import include, path

urlpatterns = [
    path("", include("vendors.urls_store")),
    path("support/", include("support_watch.urls_store")),
]
