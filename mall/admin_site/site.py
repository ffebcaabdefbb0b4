"""The admin's front page and entry."""

from django.contrib import admin


class MallAdminSite(admin.AdminSite):
    site_header = "The mall"
    site_title = "The mall"
    index_title = "Today"
