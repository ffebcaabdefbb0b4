"""URLs of the cart on every host."""

from django.urls import path

from cart import views

app_name = "cart"
urlpatterns = [
    path("", views.page, name="page"),
    path("add/", views.add, name="add"),
    path("change/", views.change, name="change"),
    path("saved/", views.saved, name="saved"),
    path("deliver-to/", views.deliver_to, name="deliver_to"),
    path("remove-shop/", views.remove_vendor, name="remove_vendor"),
]
