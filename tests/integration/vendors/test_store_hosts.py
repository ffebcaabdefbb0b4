"""A store answers on its own host, below a wildcard, or on the master's path, and nowhere else."""

import re

import pytest
from django.core.exceptions import ValidationError

from sessions_farm.communities.models import Community, Domain
from sessions_farm.communities.registry import registry
from tests.support.html import flat
from tests.support.shop import add_goods, add_vendor
from vendors.links import storefront_url
from vendors.models import Product, Storefront, Vendor, VendorDomain
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
    [(MASTER, "/stores/nobody/"), ("amber.localhost", "/stores/basalt/")],
)
def test_store_that_is_not_there(shop, shopper, host, path):
    assert shopper.on(host, path).status_code == 404


@pytest.mark.parametrize("host", ["elsewhere.localhost", "nobody.shops.localhost", "x.thistle.shops.localhost"])
def test_unknown_host(shop, shopper, host):
    assert shopper.on(host).status_code == 421


def test_store_closed_by_the_mall(shop, shopper):
    amber = shop.vendors["amber"]
    amber.status = Vendor.Status.SUSPENDED
    amber.save()
    registry.refresh()

    response = shopper.on("amber.localhost")
    assert response.status_code == 404
    assert "No shop is open here now" in flat(response)
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


def serve_at(shop, host, **fields):
    domain = Domain.objects.create(community=shop.community, host=host, status="active", **fields)
    registry.refresh()
    return domain


def test_served_host_without_a_store_says_so_kindly(shop, shopper):
    serve_at(shop, "new.localhost")

    for path in ("/", "/search/", "/anything/"):
        response = shopper.on("new.localhost", path)
        assert response.status_code == 404
        assert "This shop is not set up yet" in flat(response)
        assert "Not here" not in flat(response)
        assert 'href="http://mall.localhost:8000/"' in flat(response)
        assert 'href="http://mall.localhost:8000/admin/"' in flat(response)


def test_served_host_without_a_store_leads_to_its_vendors_store(shop, shopper):
    domain = serve_at(shop, "new.localhost")
    VendorDomain.objects.create(vendor=shop.vendors["basalt"], domain=domain)
    registry.refresh()

    page = flat(shopper.on("new.localhost"))
    assert "Basalt has its door elsewhere for now." in page
    assert 'href="http://mall.localhost:8000/stores/basalt/"' in page


@pytest.mark.parametrize("change", [{"status": "suspended"}, {"status": "pending"}])
def test_store_whose_host_is_not_served_is_on_the_masters_path(shop, shopper, change):
    Domain.objects.filter(host="amber.localhost").update(**change)
    registry.refresh()

    assert storefront_url(storefronts.by_slug("amber"), "home") == "http://mall.localhost:8000/stores/amber/"
    assert shopper.on(MASTER, "/stores/amber/").status_code == 200
    assert shopper.on("amber.localhost").status_code == 421


def test_certificates_are_for_hosts_that_stores_use(shop, shopper, settings, django_assert_num_queries):
    settings.OPS_TOKEN = "t0ken"
    serve_at(shop, "new.localhost")
    draft = add_vendor(shop, "draft")
    wild = Domain.objects.get(kind="wildcard")
    Storefront.objects.filter(vendor=draft).update(domain=wild, label="draft")
    Vendor.objects.filter(pk=draft.pk).update(status="draft")
    registry.refresh()

    def status(host):
        return shopper.on("web1", "/.mall/ask", token="t0ken", domain=host).status_code

    used = (MASTER, "amber.localhost", "thistle.shops.localhost", "draft.shops.localhost", "new.localhost")
    with django_assert_num_queries(0):
        assert {host: status(host) for host in used} == dict.fromkeys(used, 200)
        assert {status(f"invented-{number}.shops.localhost") for number in range(60)} == {404}


PLACES = {
    "no label": ("shops.localhost", "", "*.shops.localhost needs a label."),
    "a label": ("amber.localhost", "tea", "amber.localhost is one host: leave the label empty."),
    "a label without a domain": (None, "tea", "A label needs a domain."),
    "the master": (MASTER, "", "is the master, which has every shop below /stores/"),
    "an alias": ("www.amber.localhost", "", "leads to amber.localhost; choose that one"),
    "external": ("blog.example", "", "is outside this farm"),
    "elsewhere": ("fair.localhost", "", "is of another community, Fair"),
    "no name's label": ("shops.localhost", "Tea_1", "small letters, digits and hyphens"),
}


def test_place_that_the_registry_would_not_serve_is_refused(shop):
    amber = Domain.objects.get(host="amber.localhost")
    Domain.objects.create(community=shop.community, host="www.amber.localhost", canonical=amber)
    Domain.objects.create(
        community=shop.community, host="blog.example", kind="external", redirect_uris="https://blog.example/"
    )
    fair = Community.objects.create(slug="fair", name="Fair", cookie_name="fair")
    Domain.objects.create(community=fair, host="fair.localhost")
    place = Storefront.objects.get(vendor=shop.vendors["basalt"])

    for host, label, words in PLACES.values():
        place.domain, place.label = Domain.objects.filter(host=host).first(), label
        with pytest.raises(ValidationError, match=re.escape(words)):
            place.full_clean()
