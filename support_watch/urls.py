"""The staff's pages and the view for vendors' own programs, on the master only: namespace ``watch``."""

from django.urls import path

from support_watch import desk_views, history_views, rest_views, settings_views

app_name = "watch"
urlpatterns = [
    path("v1/<slug:slug>/sessions", rest_views.session_list, name="sessions"),
    path("v1/<slug:slug>/value", rest_views.session_value, name="value"),
    path("<slug:slug>/", desk_views.desk_page, name="vendor"),
    path("<slug:slug>/claim/", desk_views.claim, name="claim"),
    path("<slug:slug>/release/", desk_views.release, name="release"),
    path("<slug:slug>/cart/", desk_views.cart, name="cart"),
    path("<slug:slug>/history/", history_views.history_page, name="history"),
    path("<slug:slug>/history.csv", history_views.history_csv, name="csv"),
    path("<slug:slug>/settings/", settings_views.settings_page, name="settings"),
    path("<slug:slug>/settings/save/", settings_views.save_settings, name="save_settings"),
    path("<slug:slug>/keys/", settings_views.make_key, name="make_key"),
    path("<slug:slug>/keys/revoke/", settings_views.revoke_key, name="revoke_key"),
]
