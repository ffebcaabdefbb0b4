"""The staff's pages, on the master only: namespace ``watch``."""

from django.urls import path

from support_watch import views

app_name = "watch"
urlpatterns = [
    path("<slug:slug>/", views.vendor_page, name="vendor"),
]
