"""The mall's own pages, on the master only."""

from django.urls import path

from mall import pages

app_name = "mall"

urlpatterns = [
    path("", pages.home, name="home"),
    path("departments/<slug:slug>/", pages.category, name="category"),
    path("search/", pages.search, name="search"),
    path("about/", pages.about, name="about"),
    path("privacy/", pages.privacy, name="privacy"),
    path("privacy/forget/", pages.forget, name="forget"),
]
