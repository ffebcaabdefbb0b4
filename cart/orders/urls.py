"""URLs of a user's orders, on the master."""

from django.urls import path

from cart.orders import views

app_name = "orders"
urlpatterns = [path("", views.history, name="history")]
