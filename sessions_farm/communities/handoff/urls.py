"""The URLs of the hand-off's endpoints; include them at ``.mall/`` in the URLs of every host."""

from django.urls import path

from sessions_farm.communities.handoff import debug, endpoints

app_name = "handoff"
urlpatterns = [
    path("authorize", endpoints.authorize, name="authorize"),
    path("finish", endpoints.callback, name="callback"),
    path("health", endpoints.health, name="health"),
    path("debug", debug.debug_page, name="debug"),
]
