"""A store's support page, on its own host or below its path on the master: namespace ``support``."""

from django.urls import path

from support_watch import views

app_name = "support"
urlpatterns = [
    path("", views.support_page, name="page"),
    path("beat/", views.beat, name="beat"),
    path("leave/", views.leave, name="leave"),
]
