"""URLs of a vendor's own host: its store, the cart, the hand-off; nothing that belongs to the master."""

from django.urls import include, path

handler400 = "mall.bad_request.handle_400"
handler404 = "mall.language.handle_404"
handler500 = "mall.database_unavailable.handle_500"

urlpatterns = [
    path("", include("mall.urls_shop")),
    path("", include("mall.urls_frame")),
    path("cart/", include("cart.urls")),
]
