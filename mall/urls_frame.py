"""What every host serves besides its pages: stylesheets of stores, pictures, the hand-off."""

from django.urls import include, path

from mall import media

urlpatterns = [
    path(".mall/", include("sessions_farm.handoff.urls")),
    path("theme/", include("vendors.urls_theme")),
    path("media/<path:path>", media.picture),
]
