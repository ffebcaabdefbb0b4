"""A store answers on its own host, below a wildcard, or on the master's path, and nowhere else."""

import pytest

from sessions_farm.communities.registry import registry
from tests.support.html import flat
from tests.support.shop import add_goods, add_vendor
from vendors.links import storefront_url
from vendors.models import Product, Vendor
from vendors.storefronts import storefronts

MASTER = "mall.localhost"


@pytest.mark.parametrize(
    ("host", "path", "name"),
    [
        ("amber.localhost", "/", "Amber"),
        ("thistle.shops.localhost", "/", "Thistle"),
        (MASTER, "/stores/basalt/", "Basalt"),
    ],
)
def test_store_is_found(shop, shopper, host, path, name):
    response = shopper.on(host, path)

    assert response.status_code == 200
    assert response.wsgi_request.storefront.name == name
    assert f'<p class="shop-head__name"><a href="{path}">{name}</a></p>' in flat(response)


def test_path_of_a_store_with_a_host_leads_there(shop, shopper):
    response = shopper.on(MASTER, "/stores/amber/search/", q="oak")

    assert response.status_code == 302
    assert response["Location"] == "http://amber.localhost:8000/search/?q=oak"


@pytest.mark.parametrize(
    ("host", "path"),
    [("nobody.shops.localhost", "/"), (MASTER, "/stores/nobody/"), ("amber.localhost", "/stores/basalt/")],
)
def test_store_that_is_not_there(shop, shopper, host, path):
    assert shopper.on(host, path).status_code == 404


def test_unknown_host(shop, shopper):
    assert shopper.on("elsewhere.localhost").status_code == 421


def test_store_closed_by_the_mall(shop, shopper):
    amber = shop.vendors["amber"]
    amber.status = Vendor.Status.SUSPENDED
    amber.save()
    registry.refresh()

    assert shopper.on("amber.localhost").status_code == 404
    assert storefronts.by_vendor(amber.pk) is None


def test_change_of_a_store_raises_the_registrys_version(shop):
    before = registry.current().version
    thistle = shop.vendors["thistle"]
    thistle.name = "Thistle & Daughters"
    thistle.save()
    registry.poll()

    assert registry.current().version > before
    assert storefronts.by_slug("thistle").name == "Thistle & Daughters"


def test_snapshot_costs_no_query(shop, django_assert_num_queries):
    storefronts.by_slug("amber")

    with django_assert_num_queries(0):
        assert storefronts.by_host("amber.localhost").slug == "amber"
        assert storefronts.by_host("thistle.shops.localhost").slug == "thistle"
        assert storefronts.by_host("basalt.localhost") is None


def test_store_url_is_where_the_store_lies(shop):
    urls = [storefront_url(storefronts.by_slug(slug), "product", slug="x") for slug in ("amber", "basalt", "thistle")]

    assert urls == [
        "http://amber.localhost:8000/products/x/",
        "http://mall.localhost:8000/stores/basalt/products/x/",
        "http://thistle.shops.localhost:8000/products/x/",
    ]


def test_vendor_without_storefront_is_on_the_masters_path(shop, shopper):
    add_vendor(shop, "cobalt")
    shop.vendors["cobalt"].storefront.delete()
    registry.refresh()

    assert shopper.on(MASTER, "/stores/cobalt/").status_code == 200


@pytest.mark.parametrize("status", [Product.Status.DRAFT, Product.Status.WITHDRAWN])
def test_product_that_is_not_published(shop, shopper, status):
    product = add_goods(shop, "amber", "Oak table").product
    path = f"/products/{product.slug}/"
    assert shopper.on("amber.localhost", path).status_code == 200

    Product.objects.filter(pk=product.pk).update(status=status)

    assert shopper.on("amber.localhost", path).status_code == 404
    assert "Oak table" not in flat(shopper.on("amber.localhost", "/search/"))
    assert "Oak table" not in flat(shopper.on(MASTER, "/search/"))


def test_product_of_another_store(shop, shopper):
    product = add_goods(shop, "basalt", "Slate").product

    assert shopper.on("amber.localhost", f"/products/{product.slug}/").status_code == 404


def test_masters_pages_are_not_on_a_store_host(shop, shopper):
    assert shopper.on("amber.localhost", "/admin/").status_code == 404
    assert shopper.on("amber.localhost", "/accounts/login/").status_code == 404
