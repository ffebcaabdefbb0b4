"""The order pages of a signed-in person, on the mall's own host."""

from django.urls import path

from cart.orders import views

app_name = "orders"
urlpatterns = [path("", views.history, name="history")]
