"""The Oscar shop: ``python -m`` fills it, uvicorn serves ``application``."""

from __future__ import annotations

import os
from decimal import Decimal

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.benchmarks.commerce.oscar.settings"

from django.core.asgi import get_asgi_application

from tests.benchmarks.commerce.goods import GOODS, picture
from tests.benchmarks.commerce.meter import metered

application = metered(get_asgi_application())


def fill() -> None:
    """Make the tables, and put the goods on sale: one vendor's, in one category, each with a picture."""
    from django.core.files.base import ContentFile  # noqa: PLC0415 -- the apps are ready only now
    from django.core.management import call_command  # noqa: PLC0415
    from oscar.apps.address.models import Country  # noqa: PLC0415
    from oscar.apps.catalogue.categories import create_from_breadcrumbs  # noqa: PLC0415
    from oscar.apps.catalogue.models import Product, ProductCategory, ProductClass, ProductImage  # noqa: PLC0415
    from oscar.apps.order.models import PaymentEventType  # noqa: PLC0415
    from oscar.apps.partner.models import Partner, StockRecord  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    Country.objects.create(iso_3166_1_a2="IE", name="Ireland", printable_name="Ireland", is_shipping_country=True)
    PaymentEventType.objects.create(name="paid", code="paid")
    kind = ProductClass.objects.create(name="Things", requires_shipping=True, track_stock=True)
    category, partner = create_from_breadcrumbs("Things"), Partner.objects.create(name="Bench")
    for goods in GOODS:
        product = Product.objects.create(
            title=goods.name, slug=goods.slug, upc=goods.sku, product_class=kind, description=goods.description
        )
        ProductCategory.objects.create(product=product, category=category)
        StockRecord.objects.create(
            product=product,
            partner=partner,
            partner_sku=goods.sku,
            price_currency="EUR",
            price=Decimal(goods.price) / 100,
            num_in_stock=goods.on_hand,
        )
        ProductImage.objects.create(product=product, original=ContentFile(picture(), name=f"{goods.slug}.webp"))


if __name__ == "__main__":
    fill()
