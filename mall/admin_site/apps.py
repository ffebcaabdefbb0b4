"""The mall's admin, in place of Django's own."""

from django.contrib.admin.apps import AdminConfig


class MallAdminConfig(AdminConfig):
    default_site = "mall.admin_site.site.MallAdminSite"
