"""URLs of every host about the products that a visitor looked at: namespace ``viewed``."""

from django.urls import path

from vendors import recently_viewed_views

app_name = "viewed"
urlpatterns = [path("forget/", recently_viewed_views.forget, name="forget")]
