"""The hand-off's endpoints; include them at ``.mall/`` in the URLs of every host."""

from django.urls import path

from sessions_farm.handoff import debug, outside, redeeming, views

app_name = "handoff"
urlpatterns = [
    path("authorize", views.authorize, name="authorize"),
    path("finish", views.finish, name="finish"),
    path("health", views.health, name="health"),
    path("oauth/authorize", outside.authorize, name="oauth_authorize"),
    path("oauth/token", redeeming.token, name="oauth_token"),
    path("oauth/userinfo", redeeming.userinfo, name="oauth_userinfo"),
    path("debug", debug.show, name="debug"),
]
