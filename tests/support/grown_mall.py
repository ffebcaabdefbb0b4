"""The demo's mall with many times its goods and shops: copies of its rows, made by the database."""

from django.db import connection

from vendors.models import ProductCard, Vendor

# Triggers would note each copy: its card is copied, too, as the refresh would make it but for the key and the shop.
GROW = """
SET LOCAL session_replication_role = replica;
CREATE TEMP TABLE shops ON COMMIT DROP AS
  SELECT v.id AS original, nextval(pg_get_serial_sequence('vendors_vendor', 'id')) AS id, n
  FROM vendors_vendor v, generate_series(1, {shops_each}) n WHERE v.marketplace_id = {marketplace};
INSERT INTO vendors_vendor ({vendor_columns}, id, slug, name)
  SELECT {vendor_values}, s.id, v.slug || '-' || s.n, v.name || ' ' || s.n
  FROM shops s JOIN vendors_vendor v ON v.id = s.original;
CREATE TEMP TABLE goods ON COMMIT DROP AS
  SELECT p.id AS original, nextval(pg_get_serial_sequence('vendors_product', 'id')) AS id,
         COALESCE(s.id, p.vendor_id) AS vendor_id, each.n
  FROM vendors_product p CROSS JOIN generate_series(1, {goods_each}) each(n)
  LEFT JOIN shops s ON s.original = p.vendor_id AND s.n = 1 + each.n % greatest({shops_each}, 1)
  WHERE p.vendor_id IN (SELECT id FROM vendors_vendor WHERE marketplace_id = {marketplace});
INSERT INTO vendors_product ({product_columns}, id, vendor_id, slug, created_at)
  SELECT {product_values}, g.id, g.vendor_id, p.slug || '-' || g.n, p.created_at - g.n * interval '1 minute'
  FROM goods g JOIN vendors_product p ON p.id = g.original;
INSERT INTO vendors_productcard ({card_columns}, product_id, vendor_id, slug, created_at)
  SELECT {card_values}, g.id, g.vendor_id, c.slug || '-' || g.n, c.created_at - g.n * interval '1 minute'
  FROM goods g JOIN vendors_productcard c ON c.product_id = g.original;
INSERT INTO vendors_variant ({variant_columns}, product_id, sku)
  SELECT {variant_values}, g.id, v.sku || '-' || g.n FROM goods g JOIN vendors_variant v ON v.product_id = g.original;
INSERT INTO vendors_stock (variant_id, on_hand, version, low_below)
  SELECT v.id, 9, 1, 3 FROM vendors_variant v JOIN goods g ON g.id = v.product_id;
UPDATE vendors_vocabularyword SET products = products * {goods_each} WHERE marketplace_id = {marketplace};
SET LOCAL session_replication_role = origin;
DROP TABLE shops; DROP TABLE goods;
ANALYZE vendors_product; ANALYZE vendors_productcard; ANALYZE vendors_variant; ANALYZE vendors_stock;
ANALYZE vendors_vocabularyword; ANALYZE vendors_vendor;
"""


def grow(marketplace_id: int, *, products: int, shops: int) -> None:
    """Copy goods and shops of a mall until it has about so many of each."""
    own = ProductCard.objects.filter(marketplace=marketplace_id).count()
    own_shops = Vendor.objects.filter(marketplace=marketplace_id).count()
    left_out = {
        "vendor": ("id", "slug", "name"),
        "product": ("id", "vendor_id", "slug", "created_at"),
        "productcard": ("product_id", "vendor_id", "slug", "created_at"),
        "variant": ("id", "product_id", "sku"),
    }
    letters = {"vendor": "v", "product": "p", "productcard": "c", "variant": "v"}
    names = {}
    with connection.cursor() as cursor:
        for table, without in left_out.items():
            columns = [each.name for each in connection.introspection.get_table_description(cursor, f"vendors_{table}")]
            kept = [name for name in columns if name not in without]
            key = table.removeprefix("product") or table
            names[f"{key}_columns"] = ", ".join(kept)
            names[f"{key}_values"] = ", ".join(f"{letters[table]}.{name}" for name in kept)
        goods_each, shops_each = max(products // own - 1, 1), max(shops // own_shops - 1, 1)
        cursor.execute(GROW.format(marketplace=marketplace_id, goods_each=goods_each, shops_each=shops_each, **names))
