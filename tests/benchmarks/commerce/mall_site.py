"""The mall as it sells: ``python -m`` fills it, uvicorn serves ``application``."""

from __future__ import annotations

import os
from io import BytesIO

os.environ["DJANGO_SETTINGS_MODULE"] = "mall.settings"

from mall.asgi import application as mall_application
from tests.benchmarks.commerce.goods import CATEGORY, GOODS, VENDOR, picture
from tests.benchmarks.commerce.meter import metered

application = metered(mall_application)
HOST = "mall.localhost"


def fill() -> None:
    """Make the tables, and put the goods on sale: one vendor's, in one category, each with a picture."""
    from django.core.management import call_command  # noqa: PLC0415 -- the apps are ready only now
    from django.utils import timezone  # noqa: PLC0415

    from sessions_farm.communities.models import Community, Domain  # noqa: PLC0415
    from vendors import images, ledger  # noqa: PLC0415
    from vendors.models import (  # noqa: PLC0415
        Category,
        DeliveryZone,
        Marketplace,
        Product,
        ProductImage,
        Storefront,
        Variant,
        Vendor,
    )

    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    community = Community.objects.create(slug="bench", name="Bench")
    community.master = Domain.objects.create(community=community, host=HOST, status=Domain.Status.ACTIVE)
    community.save()
    marketplace = Marketplace.objects.create(community=community, currency="EUR")
    vendor = Vendor.objects.create(marketplace=marketplace, name="Bench", slug=VENDOR, status=Vendor.Status.PUBLISHED)
    DeliveryZone.objects.create(vendor=vendor, name="Ireland", countries="IE", standard_charge=450)
    Storefront.objects.create(vendor=vendor)
    category = Category.objects.create(marketplace=marketplace, name="Things", slug=CATEGORY)
    files = images.encode_renditions(BytesIO(picture()), len(picture()))
    for goods in GOODS:
        product = Product.objects.create(
            vendor=vendor,
            category=category,
            name=goods.name,
            slug=goods.slug,
            description=goods.description,
            status=Product.Status.PUBLISHED,
        )
        variant = Variant.objects.create(product=product, sku=goods.sku, price=goods.price)
        ledger.count({variant.pk: goods.on_hand}, why="Counted", now=timezone.now())
        image = ProductImage(product=product, alt=goods.name)
        images.save_renditions(image, files)
        image.save()


if __name__ == "__main__":
    fill()
