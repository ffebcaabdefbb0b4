"""Vendors, storefronts, memberships, invitations, the catalogue and its stock."""

from vendors.models.catalogue import Category, FormerSlug, Product, ProductImage, Variant
from vendors.models.delivery import DeliveryZone
from vendors.models.domains import VendorDomain
from vendors.models.invitations import Invitation
from vendors.models.stock import Stock, StockHold, StockMovement
from vendors.models.stores import Marketplace, Membership, Storefront, Vendor

__all__ = [
    "Category",
    "DeliveryZone",
    "FormerSlug",
    "Invitation",
    "Marketplace",
    "Membership",
    "Product",
    "ProductImage",
    "Stock",
    "StockHold",
    "StockMovement",
    "Storefront",
    "Variant",
    "Vendor",
    "VendorDomain",
]
