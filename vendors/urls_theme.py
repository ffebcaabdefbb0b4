"""The stores' stylesheets, served on every host."""

from django.urls import path

from vendors import theme_views

app_name = "theme"

urlpatterns = [
    path("look.css", theme_views.look_stylesheet, name="look"),
    path("stores-<slug:digest>.css", theme_views.stores_stylesheet, name="stores"),
    path("store/<slug:slug>/<slug:digest>.css", theme_views.store_stylesheet, name="store"),
]
