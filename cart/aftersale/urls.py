"""URLs of the shopper's acts below an order's page, and of the link that confirms a change of address."""

from django.urls import path

from cart.aftersale import contact_views, review_views, views

app_name = "order"
urlpatterns = [
    path("status/<str:token>/cancel/", views.cancel, name="cancel"),
    path("status/<str:token>/return/<str:number>/", views.send_back, name="return"),
    path("status/<str:token>/ask/<str:number>/", views.ask, name="ask"),
    path("status/<str:token>/review/<int:line>/", review_views.review, name="review"),
    path("status/<str:token>/reorder/", views.reorder, name="reorder"),
    path("status/<str:token>/address/", contact_views.change, name="contact"),
    path("change/<str:token>/", contact_views.confirm, name="confirm"),
]
