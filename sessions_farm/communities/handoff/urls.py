"""The URLs of the hand-off's endpoints; include them at ``.mall/`` in the URLs of every host."""

from django.urls import path

from sessions_farm.communities.handoff import debug, endpoints
from sessions_farm.communities.handoff.oauth import authorize, token

app_name = "handoff"
urlpatterns = [
    path("authorize", endpoints.authorize, name="authorize"),
    path("finish", endpoints.callback, name="callback"),
    path("health", endpoints.health, name="health"),
    path("oauth/authorize", authorize.oauth_authorize, name="oauth_authorize"),
    path("oauth/token", token.oauth_token, name="oauth_token"),
    path("oauth/userinfo", token.oauth_userinfo, name="oauth_userinfo"),
    path("debug", debug.debug_page, name="debug"),
]
