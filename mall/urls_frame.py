"""What every host serves besides its pages: stylesheets of stores, pictures, the hand-off."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.urls import include, path

from mall import media


def favicon(_: HttpRequest) -> HttpResponse:
    """Browsers ask for it wherever a page names no icon, as Django's admin does."""
    return redirect(static("mall/icons/mark.svg"))


urlpatterns = [
    path(".mall/", include("sessions_farm.communities.handoff.urls")),
    path("theme/", include("vendors.urls_theme")),
    path("media/<path:path>", media.picture),
    path("favicon.ico", favicon),
]
