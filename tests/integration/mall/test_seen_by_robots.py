"""What search engines see of each host: robots.txt, sitemaps, canonical addresses, Open Graph and JSON-LD."""

import re
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import pytest
from django.test import Client
from django.utils import timezone

from deploy.demo.load import load
from tests.support.html import flat, structured_data
from tests.support.shop import MASTER, add_goods, make_shop
from vendors.links import storefront_url
from vendors.models import Product, ProductImage, Variant
from vendors.storefronts import storefronts

AMBER = "amber.localhost"
GZIP = b"\x1f\x8b"
SITE = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
# What Google's merchant listings need of a product and of its offers.
NEEDED = {"@type", "name", "image", "offers", "description", "sku", "brand"}
NEEDED_OF_OFFER = {
    "price",
    "priceCurrency",
    "availability",
    "url",
    "itemCondition",
    "hasMerchantReturnPolicy",
    "seller",
}


@pytest.fixture
def shop(db, redis_client, settings):
    settings.PUBLIC_SCHEME, settings.PUBLIC_PORT = "http", 8000
    made = make_shop()
    jug = add_goods(made, "amber", "Jug </script>", price=1850)
    Product.objects.filter(pk=jug.product_id).update(summary="Pours & pours.", slug="jug", details="Material: clay")
    ProductImage.objects.create(product=jug.product, file="products/jug.webp", alt="A jug", width=1200, height=1200)
    Variant.objects.create(product=jug.product, sku="JUG-L", name="Large", price=2500)
    add_goods(made, "basalt", "Bowl")
    draft = add_goods(made, "amber", "Draft")
    Product.objects.filter(pk=draft.product_id).update(status="draft")
    return made


def ask(host, path):
    response = Client().get(path, headers={"host": host})
    assert response.status_code == 200, path
    return response


def locations(host, path):
    return [each.text for each in ET.fromstring(ask(host, path).content).iter(f"{SITE}loc")]


def test_each_host_lists_its_own_pages(shop):
    ask(AMBER, "/")  # makes the cards
    found = {}
    for host in (MASTER, AMBER):
        robots = ask(host, "/robots.txt").text
        assert "Disallow: /cart/" in robots
        index = re.search(r"Sitemap: (\S+)", robots)[1]
        assert index == f"http://{host}:8000/sitemap.xml"
        files = locations(host, "/sitemap.xml")
        found[host] = [url for each in files for url in locations(host, re.sub(r"^http://[^/]+", "", each))]
    assert f"http://{AMBER}/products/jug/" in [url.replace(":8000", "") for url in found[AMBER]]
    assert not [url for url in found[AMBER] if "draft" in url or "basalt" in url]
    mall = [url.replace(":8000", "") for url in found[MASTER]]
    assert {f"http://{MASTER}/stores/basalt/products/bowl/", f"http://{MASTER}/departments/things/"} <= set(mall)
    assert not [url for url in mall if "amber" in url]
    for host, urls in found.items():
        for url in urls:
            ask(host, re.sub(r"^http://[^/]+", "", url))


def test_pages_say_their_one_address(shop):
    for host, path, canonical in (
        (AMBER, "/products/jug/", f"http://{AMBER}:8000/products/jug/"),
        (MASTER, "/departments/things/?sort=cheap", f"http://{MASTER}:8000/departments/things/"),
        (MASTER, "/stores/basalt/", f"http://{MASTER}:8000/stores/basalt/"),
    ):
        assert f'<link rel="canonical" href="{canonical}">' in flat(ask(host, path))
    page = flat(ask(AMBER, "/products/jug/"))
    assert '<meta property="og:type" content="product">' in page
    assert f'<meta property="og:image" content="http://{AMBER}:8000/media/products/jug.webp">' in page
    assert '<meta name="robots" content="noindex">' in flat(ask(MASTER, "/search/?q=jug"))


def test_texts_are_compressed_where_no_balancer_does_it(shop):
    page = Client().get("/products/jug/", headers={"host": AMBER, "accept-encoding": "gzip"})
    assert page["Content-Encoding"] == "gzip"
    sheet = Client().get("/static/mall/css/page.css", headers={"host": AMBER, "accept-encoding": "gzip"})
    assert sheet["Content-Encoding"] == "gzip"
    assert b"".join(sheet.streaming_content).startswith(GZIP)
    assert "Content-Encoding" not in ask(AMBER, "/products/jug/").headers


def test_product_says_what_it_is_to_machines(shop):
    product, crumbs = structured_data(ask(AMBER, "/products/jug/").text)
    assert product.keys() >= NEEDED
    assert product["name"] == "Jug </script>"
    assert [offer["price"] for offer in product["offers"]] == ["18.50", "25.00"]
    assert [offer["availability"].rpartition("/")[2] for offer in product["offers"]] == ["InStock", "OutOfStock"]
    for offer in product["offers"]:
        assert offer.keys() >= NEEDED_OF_OFFER
        assert offer["hasMerchantReturnPolicy"]["merchantReturnDays"] == 14
    assert [each["name"] for each in crumbs["itemListElement"]] == ["The Arcade", "Amber", "Things", "Jug </script>"]
    assert [each["position"] for each in crumbs["itemListElement"]] == [1, 2, 3, 4]
    assert product["additionalProperty"] == [{"@type": "PropertyValue", "name": "Material", "value": "clay"}]


@pytest.mark.usefixtures("at_proof")
def test_every_product_of_the_demo_says_so(db, redis_client, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    load(now=timezone.now(), with_pictures=True, say=lambda _: None)
    found = {}
    for product in Product.objects.filter(status="published"):
        address = storefront_url(storefronts.by_vendor(product.vendor_id), "product", slug=product.slug)
        host, path = urlsplit(address).hostname, urlsplit(address).path
        node, crumbs = structured_data(ask(host, path).text)
        found[address] = faults_of(node) + faults_of_crumbs(crumbs)
        assert node["url"] == address
    assert len(found) > 100
    assert {address: faults for address, faults in found.items() if faults} == {}


def faults_of(product) -> list[str]:
    """What Google's merchant listings would refuse."""
    faults = [f"no {name}" for name in NEEDED - product.keys()]
    for offer in product.get("offers", []):
        faults += [f"offer without {name}" for name in NEEDED_OF_OFFER - offer.keys()]
        faults += [f"price {offer['price']}"] * (not re.fullmatch(r"\d+\.\d\d", offer["price"]))
        faults += [f"currency {offer['priceCurrency']}"] * (not re.fullmatch(r"[A-Z]{3}", offer["priceCurrency"]))
        policy = offer["hasMerchantReturnPolicy"]
        is_finite = policy["returnPolicyCategory"].endswith("/MerchantReturnFiniteReturnWindow")
        faults += ["return policy"] * (is_finite != ("merchantReturnDays" in policy))
    urls = [product["url"], *product.get("image", []), *(offer["url"] for offer in product.get("offers", []))]
    faults += [f"address {url}" for url in urls if not re.match(r"https?://[^/]+/", url)]
    if rating := product.get("aggregateRating"):
        faults += [f"rating {rating}"] * (not 1 <= float(rating["ratingValue"]) <= 5 or rating["reviewCount"] < 1)
    return faults


def faults_of_crumbs(crumbs) -> list[str]:
    items = crumbs["itemListElement"]
    faults = [f"place {each['position']}" for place, each in enumerate(items, 1) if each["position"] != place]
    return faults + [f"crumb {each}" for each in items if not each["name"] or not each["item"].startswith("http")]


def test_control_what_would_be_refused_is_seen(shop):
    product, crumbs = structured_data(ask(AMBER, "/products/jug/").text)
    assert faults_of(product) + faults_of_crumbs(crumbs) == []
    del product["image"]
    product["offers"][0] |= {"price": "18,5", "url": "/products/jug/"}
    crumbs["itemListElement"][0]["position"] = 0
    found = faults_of(product) + faults_of_crumbs(crumbs)
    assert found == ["no image", "price 18,5", "address /products/jug/", "place 0"]
