"""The models whose changes by staff are written to the audit log."""

from auditlog.registry import auditlog

from cart.orders.models import Consignment
from vendors.models import Membership, Product, Variant, Vendor

auditlog.register(Vendor)
auditlog.register(Membership)
auditlog.register(Product, exclude_fields=["search", "updated_at"])
auditlog.register(Variant, exclude_fields=["stock"])
auditlog.register(Consignment)
