"""URLs of every host besides its pages: stylesheets of stores, pictures, the hand-off."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.urls import include, path

from mall import media_views


def favicon(_: HttpRequest) -> HttpResponse:
    """Redirect to the icon; browsers request it for pages that name none, such as Django's admin."""
    return redirect(static("mall/icons/mark.svg"))


urlpatterns = [
    path(".mall/", include("sessions_farm.communities.handoff.urls")),
    path("theme/", include("vendors.urls_theme")),
    path("media/<path:path>", media_views.picture),
    path("favicon.ico", favicon),
]
