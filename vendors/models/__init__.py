"""Vendors, storefronts, memberships, invitations, the catalogue and its stock."""

from vendors.models.cards import ProductCard, StaleProduct, Synonym, VocabularyWord
from vendors.models.catalogue import Category, FormerSlug, Product, ProductImage, Variant
from vendors.models.delivery import DeliveryZone
from vendors.models.domains import VendorDomain
from vendors.models.invitations import Invitation
from vendors.models.reviews import Review, ReviewReport
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
    "ProductCard",
    "ProductImage",
    "Review",
    "ReviewReport",
    "StaleProduct",
    "Stock",
    "StockHold",
    "StockMovement",
    "Storefront",
    "Synonym",
    "Variant",
    "Vendor",
    "VendorDomain",
    "VocabularyWord",
]
