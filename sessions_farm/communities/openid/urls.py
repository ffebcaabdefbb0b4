"""The URLs of OpenID Connect; include them at the root of the master's URLs, where clients look for the metadata."""

from django.urls import path

from sessions_farm.communities.openid import discovery
from sessions_farm.communities.openid.authorize import authorize
from sessions_farm.communities.openid.token import token
from sessions_farm.communities.openid.userinfo import userinfo

app_name = "openid"
urlpatterns = [
    path(".well-known/openid-configuration", discovery.metadata, name="metadata"),
    path(".well-known/oauth-authorization-server", discovery.metadata),
    path(".mall/oauth/authorize", authorize, name="authorize"),
    path(".mall/oauth/token", token, name="token"),
    path(".mall/oauth/userinfo", userinfo, name="userinfo"),
    path(".mall/oauth/jwks", discovery.jwks, name="jwks"),
]
