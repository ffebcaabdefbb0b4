"""A store's support page, on its own host or below its path on the master: namespace ``support``."""

from django.urls import path

from support_watch import page_views

app_name = "support"
urlpatterns = [
    path("", page_views.support_page, name="page"),
]
