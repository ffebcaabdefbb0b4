"""Vendors, storefronts, memberships, the catalogue and its stock."""

from vendors.models.catalogue import Category, Product, ProductImage, Variant
from vendors.models.domains import VendorDomain
from vendors.models.stock import Stock, StockHold
from vendors.models.stores import Marketplace, Membership, Storefront, Vendor

__all__ = [
    "Category",
    "Marketplace",
    "Membership",
    "Product",
    "ProductImage",
    "Stock",
    "StockHold",
    "Storefront",
    "Variant",
    "Vendor",
    "VendorDomain",
]
