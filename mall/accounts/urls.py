"""URLs of a person's account, on the master; allauth's pages stand below the same path."""

from django.urls import include, path

from mall.accounts import address_views, alert_views, data_views, device_views, home_views

urlpatterns = [
    path("", home_views.home, name="account_home"),
    path("name/", home_views.name, name="account_name"),
    path("addresses/", address_views.addresses, name="addresses"),
    path("addresses/add/", address_views.add_address, name="add_address"),
    path("addresses/<int:pk>/", address_views.change_address, name="change_address"),
    path("addresses/<int:pk>/default/", address_views.make_default, name="default_address"),
    path("addresses/<int:pk>/remove/", address_views.remove_address, name="remove_address"),
    path("waiting/", alert_views.alerts, name="account_alerts"),
    path("waiting/<int:pk>/end/", alert_views.end_alert, name="end_alert"),
    path("devices/", device_views.list_devices, name="devices"),
    path("devices/end/", device_views.end_device, name="end_device"),
    path("data/", data_views.data, name="account_data"),
    path("data/export/", data_views.export, name="export_account"),
    path("data/delete/", data_views.delete, name="delete_account"),
    path("", include("allauth.urls")),
]
