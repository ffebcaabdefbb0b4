"""URLs of the cart on the master: those of every host, the way here from a store, the page after a first addition."""

from django.urls import path

from cart import till_views, urls, views

app_name = urls.app_name
urlpatterns = [
    *urls.urlpatterns,
    path("added/", views.added, name="added"),
    path("from-store/", till_views.arrive, name="arrive"),
    path("offered/", till_views.offered, name="offered"),
    path("offered/answer/", till_views.answer_offer, name="answer_offer"),
]
