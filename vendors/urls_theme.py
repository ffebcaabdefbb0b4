"""The stores' stylesheets, served on every host."""

from django.urls import path

from vendors import theme

app_name = "theme"

urlpatterns = [
    path("all-<slug:digest>.css", theme.all_sheets, name="all"),
    path("store/<slug:slug>/<slug:digest>.css", theme.store_sheet, name="store"),
]
