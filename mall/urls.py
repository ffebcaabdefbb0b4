"""URLs of the mall's own host, the master of its community."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from mall import order_status_views
from mall.accounts import impersonation_page, invitation_views
from shipping.api.views import api as pickup_api

handler400 = "mall.bad_request.handle_400"
handler404 = "mall.language.handle_404"
handler500 = "mall.database_unavailable.handle_500"

urlpatterns = [
    path("", include("mall.urls_mall")),
    path("", include("mall.urls_frame")),
    path("", include("sessions_farm.communities.openid.urls")),
    path("stores/<slug:store>/", include("mall.urls_shop")),
    path("cart/", include("cart.urls_master")),
    path("checkout/", include("cart.checkout.urls")),
    path("orders/", include("cart.aftersale.urls")),
    path("orders/", include("mall.accounts.urls_orders")),
    path("orders/status/<str:token>/", order_status_views.order_status, name="order_status"),
    path("alerts/", include("cart.stock_alerts.urls")),
    path("pay/sandbox/", include("cart.checkout.payments.sandbox.urls")),
    path("ship/v1/", pickup_api.urls),
    path("ship/", include("shipping.urls")),
    path("watch/", include("support_watch.urls")),
    path("join/<str:token>/", invitation_views.invitation, name="invitation"),
    path("accounts/", include("mall.accounts.urls")),
    path(".well-known/change-password", RedirectView.as_view(pattern_name="account_change_password")),
    path("impersonation/end/", impersonation_page.end_impersonation, name="end_impersonation"),
    path("admin/", admin.site.urls),
]
