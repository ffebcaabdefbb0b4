"""URLs of the simulated payment company, below /pay/sandbox/ on the master."""

from django.urls import path

from cart.checkout.payments.sandbox import views

app_name = "sandbox"
urlpatterns = [
    path("<str:token>/", views.card_page, name="pay"),
    path("<str:token>/bank/", views.challenge_page, name="challenge"),
]
