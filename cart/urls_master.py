"""URLs of the cart on the master: those of every host, and the landing page of the first addition."""

from django.urls import path

from cart import urls, views

app_name = urls.app_name
urlpatterns = [*urls.urlpatterns, path("added/", views.added, name="added")]
