"""The endpoints of watched pages and the shopper's choice, on every host: namespace ``watching``."""

from django.urls import path

from support_watch import page_views

app_name = "watching"
urlpatterns = [
    path("", page_views.consent_page, name="consent"),
    path("forget/", page_views.forget, name="forget"),
    path("beat/", page_views.beat, name="beat"),
    path("leave/", page_views.leave, name="leave"),
]
