"""URLs of stock alerts, on the master only, where people and their addresses are known: namespace ``stock_alerts``."""

from django.urls import path

from cart.stock_alerts import views

app_name = "stock_alerts"
urlpatterns = [
    path("of/<int:variant>/", views.ask, name="ask"),
    path("mine/<str:token>/", views.alert, name="alert"),
]
