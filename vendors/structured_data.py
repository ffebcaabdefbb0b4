"""JSON-LD of a product's page, for search engines: schema.org's Product, offers, return policy and breadcrumbs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from sessions_farm.communities.links import absolute_url
from vendors.links import master_url, storefront_host, storefront_url
from vendors.models import Product, Vendor
from vendors.models.reviews import MOST_STARS
from vendors.money import Money
from vendors.offers import Offer
from vendors.reviews import Reviews
from vendors.storefronts import CachedMarketplace, CachedStorefront

SCHEMA = "https://schema.org"
ESCAPES = {ord(">"): "\\u003E", ord("<"): "\\u003C", ord("&"): "\\u0026"}  # nothing ends the script


def product_data(
    store: CachedStorefront,
    market: CachedMarketplace,
    product: Product,
    offers: Sequence[Offer],
    vendor: Vendor,
    reviews: Reviews,
) -> SafeString:
    """Return a product's structured data, as the text of a script."""
    node = product_node(store, market, product, offers, vendor) | review_nodes(reviews)
    graph = [node, breadcrumb_node(store, market, product)]
    text = json.dumps({"@context": SCHEMA, "@graph": graph}, ensure_ascii=False).translate(ESCAPES)
    return mark_safe(text)  # noqa: S308 -- JSON without the signs of HTML


def product_node(
    store: CachedStorefront, market: CachedMarketplace, product: Product, offers: Sequence[Offer], vendor: Vendor
) -> dict[str, Any]:
    """Return the product with its offers."""
    url = storefront_url(store, "product", slug=product.slug)
    node: dict[str, Any] = {
        "@type": "Product",
        "@id": url,
        "url": url,
        "name": product.name,
        "brand": {"@type": "Brand", "name": store.name},
        "category": product.category.name,
    }
    if product.summary:
        node["description"] = product.summary
    if pictures := [absolute_url(storefront_host(store), picture.widest) for picture in product.images.all()]:
        node["image"] = pictures
    if offers:
        node["sku"] = offers[0].variant.sku
        policy = return_policy(vendor, market.country)
        node["offers"] = [offer_node(store, url, offer) | {"hasMerchantReturnPolicy": policy} for offer in offers]
    details = [{"@type": "PropertyValue", "name": name, "value": text} for name, text in product.detail_pairs if name]
    return node | ({"additionalProperty": details} if details else {})


def review_nodes(reviews: Reviews) -> dict[str, Any]:
    """Return the average of a product's published reviews, and the reviews of its page; nothing without any."""
    if not reviews.count:
        return {}
    return {
        "aggregateRating": {
            "@type": "AggregateRating",
            "ratingValue": str(reviews.average),
            "reviewCount": reviews.count,
            "bestRating": MOST_STARS,
            "worstRating": 1,
        },
        "review": [
            {
                "@type": "Review",
                "author": {"@type": "Person", "name": review.name or gettext("A buyer")},
                "datePublished": review.written_at.date().isoformat(),
                "reviewRating": {
                    "@type": "Rating",
                    "ratingValue": review.stars,
                    "bestRating": MOST_STARS,
                    "worstRating": 1,
                },
            }
            | ({"reviewBody": review.text} if review.text else {})
            for review in reviews.shown
        ],
    }


def offer_node(store: CachedStorefront, url: str, offer: Offer) -> dict[str, Any]:
    """Return the offer of one variant."""
    node: dict[str, Any] = {
        "@type": "Offer",
        "url": url,
        "sku": offer.variant.sku,
        "price": str(Money(offer.price, store.currency).major),
        "priceCurrency": store.currency,
        "availability": f"{SCHEMA}/{'InStock' if offer.available else 'OutOfStock'}",
        "itemCondition": f"{SCHEMA}/NewCondition",
        "seller": {"@type": "Organization", "name": store.name},
    }
    if offer.variant.name:
        node["name"] = offer.variant.name
    if offer.regular_price is not None and offer.variant.sale_until is not None:
        node["priceValidUntil"] = offer.variant.sale_until.date().isoformat()
    return node


def return_policy(vendor: Vendor, country: str) -> dict[str, Any]:
    """Return a vendor's policy of returns in the mall's country."""
    category = "MerchantReturnFiniteReturnWindow" if vendor.return_days else "MerchantReturnNotPermitted"
    policy: dict[str, Any] = {
        "@type": "MerchantReturnPolicy",
        "applicableCountry": country,
        "returnPolicyCategory": f"{SCHEMA}/{category}",
    }
    return policy | ({"merchantReturnDays": vendor.return_days} if vendor.return_days else {})


def breadcrumb_node(store: CachedStorefront, market: CachedMarketplace, product: Product) -> dict[str, Any]:
    """Return the way to a product, as the page shows it."""
    category = product.category
    places = [
        (market.name, master_url(store.community_id, "mall:home")),
        (store.name, storefront_url(store, "home")),
        (category.name, storefront_url(store, "category", slug=category.slug)),
        (product.name, storefront_url(store, "product", slug=product.slug)),
    ]
    items = [
        {"@type": "ListItem", "position": place, "name": name, "item": url}
        for place, (name, url) in enumerate(places, start=1)
    ]
    return {"@type": "BreadcrumbList", "itemListElement": items}
