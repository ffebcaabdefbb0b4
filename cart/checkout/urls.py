"""The checkout, on the mall's own host only."""

from django.urls import path

from cart.checkout import pay_views, views

app_name = "checkout"
urlpatterns = [
    path("", views.start, name="start"),
    path("delivery/", views.delivery, name="delivery"),
    path("review/", views.review, name="review"),
    path("pay/", pay_views.pay, name="pay"),
    path("back/<str:name>/", pay_views.back, name="back"),
    path("webhook/<str:name>/", pay_views.webhook, name="webhook"),
]
