"""The pages of one store: at the root of its own host, or below /stores/<slug>/ on the master."""

from django.urls import path

from vendors import pages

app_name = "store"

urlpatterns = [
    path("", pages.home, name="home"),
    path("departments/<slug:slug>/", pages.category, name="category"),
    path("products/<slug:slug>/", pages.product, name="product"),
    path("search/", pages.search, name="search"),
    path("about/", pages.about, name="about"),
    path("delivery/", pages.delivery, name="delivery"),
]
