"""The hosted pages of the pretend company, below /pay/sandbox/ on the mall's own host."""

from django.urls import path

from cart.checkout.payments.sandbox import views

app_name = "sandbox"
urlpatterns = [
    path("<str:token>/", views.pay, name="pay"),
    path("<str:token>/bank/", views.challenge, name="challenge"),
]
