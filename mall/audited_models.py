"""The models whose changes by staff are written to the audit log."""

from auditlog.registry import auditlog

from cart.orders.models import Consignment
from mall.accounts.models import User
from shipping.models import ScriptRun, VendorKey
from vendors.models import (
    Category,
    DeliveryZone,
    Marketplace,
    Membership,
    Product,
    ProductImage,
    Review,
    Stock,
    Storefront,
    Synonym,
    Variant,
    Vendor,
    VendorDomain,
)

auditlog.register(User, include_fields=["name", "email", "mall_role", "is_superuser", "is_staff", "is_active"])
auditlog.register(Marketplace)
auditlog.register(Category)
auditlog.register(Synonym)
auditlog.register(Vendor)
auditlog.register(DeliveryZone)
auditlog.register(Storefront)
auditlog.register(VendorDomain)
auditlog.register(Membership)
auditlog.register(Product, exclude_fields=["updated_at"])
auditlog.register(Variant, exclude_fields=["stock"])
auditlog.register(ProductImage, include_fields=["file", "alt", "position"])
auditlog.register(Review, include_fields=["state", "why", "answer"])
auditlog.register(Stock, include_fields=["low_below"])
auditlog.register(Consignment)
auditlog.register(VendorKey, include_fields=["key_id", "retired_at"])
auditlog.register(ScriptRun, include_fields=["script", "mode", "arguments", "data_size", "state"])
