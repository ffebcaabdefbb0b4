"""The hand-off's endpoints; include them at ``.mall/`` in the URLs of every host."""

from django.urls import path

from sessions_farm.communities.handoff import debug, endpoints
from sessions_farm.communities.handoff.oauth import authorize, token

app_name = "handoff"
urlpatterns = [
    path("authorize", endpoints.authorize, name="authorize"),
    path("finish", endpoints.finish, name="finish"),
    path("health", endpoints.health, name="health"),
    path("oauth/authorize", authorize.authorize, name="oauth_authorize"),
    path("oauth/token", token.token, name="oauth_token"),
    path("oauth/userinfo", token.userinfo, name="oauth_userinfo"),
    path("debug", debug.show, name="debug"),
]
