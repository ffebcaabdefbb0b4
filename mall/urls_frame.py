"""URLs of every host besides its pages: stylesheets of stores, pictures, the hand-off, watched pages."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.urls import include, path

from mall import language, media_views, robots_views, suggest_views


def favicon(_: HttpRequest) -> HttpResponse:
    """Redirect to the icon; browsers request it for pages that name none, such as Django's admin."""
    return redirect(static("mall/icons/mark.svg"))


urlpatterns = [
    path(".mall/", include("sessions_farm.communities.handoff.urls")),
    path("watching/", include("support_watch.urls_frame")),
    path("viewed/", include("vendors.urls_viewed")),
    path("theme/", include("vendors.urls_theme")),
    path("media/<path:path>", media_views.picture),
    path("favicon.ico", favicon),
    path("language/", language.choose, name="language"),
    path("suggest/", suggest_views.suggest, name="suggest"),
    path("robots.txt", robots_views.robots, name="robots"),
    path("sitemap.xml", robots_views.sitemap_index, name="sitemap_index"),
    path("sitemap-<slug:section>.xml", robots_views.sitemap, name="sitemap"),
]
