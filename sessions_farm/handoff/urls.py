"""The hand-off's endpoints; include them at ``.mall/`` in the URLs of every host."""

from django.urls import path

from sessions_farm.handoff import views

app_name = "handoff"
urlpatterns = [
    path("authorize", views.authorize, name="authorize"),
    path("finish", views.finish, name="finish"),
    path("health", views.health, name="health"),
]
