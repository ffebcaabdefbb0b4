"""URLs of the checkout, on the master only."""

from django.urls import path

from cart.checkout import payment_views, views

app_name = "checkout"
urlpatterns = [
    path("", views.start, name="start"),
    path("delivery/", views.delivery, name="delivery"),
    path("review/", views.review, name="review"),
    path("pay/", payment_views.pay, name="pay"),
    path("back/<str:name>/", payment_views.payment_return, name="return"),
    path("webhook/<str:name>/", payment_views.webhook, name="webhook"),
]
