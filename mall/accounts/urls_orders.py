"""URLs that lead to orders: the account's, a guest's to be claimed, and one found by its number."""

from django.urls import path

from mall.accounts import order_views

urlpatterns = [
    path("", order_views.orders, name="account_orders"),
    path("claim/", order_views.claim, name="claim_orders"),
    path("find/", order_views.find, name="find_order"),
]
