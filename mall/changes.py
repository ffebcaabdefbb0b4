"""Which rows' changes by staff are kept in the log of changes, with who made them."""

from auditlog.registry import auditlog

from vendors.models import Membership, Product, Variant, Vendor

auditlog.register(Vendor)
auditlog.register(Membership)
auditlog.register(Product, exclude_fields=["search", "updated_at"])
auditlog.register(Variant)
