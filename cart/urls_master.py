"""The cart's pages on the mall's own host: those of every host, and where the first addition lands."""

from django.urls import path

from cart import urls, views

app_name = urls.app_name
urlpatterns = [*urls.urlpatterns, path("added/", views.added, name="added")]
