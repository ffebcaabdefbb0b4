"""The mall's own pages, on the master only."""

from django.urls import path

from mall import views, windows

app_name = "mall"

urlpatterns = [
    path("", views.home, name="home"),
    path("departments/<slug:slug>/", views.category, name="category"),
    path("search/", views.search, name="search"),
    path("windows/<slug:slug>/<slug:digest>.<slug:kind>", windows.picture, name="window"),
    path("about/", views.about, name="about"),
    path("privacy/", views.privacy, name="privacy"),
    path("privacy/forget/", views.forget, name="forget"),
]
