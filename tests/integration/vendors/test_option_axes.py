"""Many variants are chosen by option: each choice has an address, and what cannot be had is said beside it."""

import re

import pytest
from django.test import Client

from cart.models import Line
from tests.support.html import flat
from tests.support.shop import add_goods, put_on_hand
from vendors.models import Product, Variant

AMBER = "amber.localhost"
SIZES, COLOURS = ("Small", "Medium", "Large"), ("Sea", "Oat", "Rust", "Moss")


@pytest.fixture
def jumper(shop):
    """Eleven of twelve combinations: Large in Moss is not made, Small in Rust is sold out."""
    first = add_goods(shop, "amber", "Jumper", price=9000, on_hand=0)
    product = first.product
    options = [{"name": "Size", "values": list(SIZES)}, {"name": "Colour", "values": list(COLOURS)}]
    Product.objects.filter(pk=product.pk).update(options=options)
    first.delete()
    made = {}
    for place, (size, colour) in enumerate((size, colour) for size in SIZES for colour in COLOURS):
        if (size, colour) != ("Large", "Moss"):
            made[size, colour] = Variant.objects.create(
                product=product, name=f"{size} · {colour}", sku=f"{size}{colour}", price=9000 + 100 * place,
                position=place, option_values={"Size": size, "Colour": colour},
            )  # fmt: skip
            put_on_hand(made[size, colour], 0 if (size, colour) == ("Small", "Rust") else 9)
    return product, made


def page(shopper, **data):
    return flat(shopper.on(AMBER, "/products/jumper/", **data))


def choices(text, field):
    """The values of an axis of radio buttons, each with what is said beside it; the chosen one is marked."""
    found = re.findall(
        rf'name="{field}" value="([^"]*)" required( checked)?>'
        r'<span class="choice__name">[^<]*</span>(?:<span class="choice__note">([^<]*)</span>)?',
        text,
    )
    return [f"{value}{'*' * bool(chosen)}{note and f': {note}'}" for value, chosen, note in found]


def test_each_option_has_choices_of_its_own(jumper, shopper):
    text = page(shopper)
    assert choices(text, "option-1") == ["Small*", "Medium", "Large"]
    assert choices(text, "option-2") == ["Sea*", "Oat", "Rust: Sold out", "Moss"]
    assert "€90.00" in text
    assert "<select" not in text.partition('id="buy"')[2].partition("</form>")[0]


def test_a_choice_has_an_address_with_price_and_stock(jumper, shopper):
    text = page(shopper, **{"option-1": "Large", "option-2": "Rust", "list": "shop", "at": "2"})
    assert choices(text, "option-1") == ["Small: Sold out", "Medium", "Large*"]
    assert choices(text, "option-2") == ["Sea", "Oat", "Rust*", "Moss: Not made like this"]
    assert "€100.00" in text
    assert "Large · Rust: In stock" in text
    assert '<input type="hidden" name="list" value="shop"><input type="hidden" name="at" value="2">' in text


def test_what_is_not_made_or_sold_out_is_said(jumper, shopper):
    _, made = jumper
    text = page(shopper, **{"option-1": "Large", "option-2": "Moss"})
    assert "It is not made as Large · Moss. Choose another." in text
    text = page(shopper, **{"option-1": "Small", "option-2": "Rust"})
    assert "Small · Rust: Sold out" in text
    assert f'/alerts/of/{made["Small", "Rust"].pk}/"' in text


def test_an_open_option_is_taken_of_what_can_be_had(jumper, shopper):
    _, made = jumper
    for colour in ("Sea", "Oat"):
        put_on_hand(made["Large", colour], 0)
    text = page(shopper, **{"option-1": "Large"})
    assert choices(text, "option-2") == ["Sea: Sold out", "Oat: Sold out", "Rust*", "Moss: Not made like this"]


def test_the_cart_gets_what_was_chosen_last_without_a_script(jumper):
    product, made = jumper
    client = Client(headers={"host": AMBER})
    path = f"/cart/add/?product={product.pk}&next=/products/jumper/%3Flist%3Dshop"
    response = client.post(path, {"option-1": "Medium", "option-2": "Moss", "quantity": "2"})
    assert response.status_code == 303
    assert Line.objects.get().variant == made["Medium", "Moss"]
    for typed in (
        {"option-1": "Large", "option-2": "Moss"},
        {"option-1": "Large"},
        {"option-1": "X", "option-2": "Sea"},
    ):
        back = client.post(path, typed | {"quantity": "1"}, follow=True)
        assert "It is not made like that" in flat(back)
    assert Line.objects.get().quantity == 2
    for crafted in ("x", "-1", "9" * 30, ""):
        assert client.post(f"/cart/add/?product={crafted}", {"option-1": "Medium"}).status_code == 303
    assert Line.objects.count() == 1


def test_the_address_of_a_choice_has_no_token_and_keeps_the_quantity(jumper, shopper):
    text = page(shopper, quantity="7")
    form = text.partition('id="choose"')[2].partition("</form>")[0]
    assert 'method="get"' in form
    assert '<input type="hidden" name="csrfmiddlewaretoken"' not in form
    assert re.search(
        r'formmethod="post" formaction="/cart/add/\?product=\d+&amp;next=[^"]*" name="csrfmiddlewaretoken"', form
    )
    assert re.search(r'name="quantity" value="7"', form)
    assert re.search(r'name="quantity" value="1"', page(shopper, quantity='"><script>'))


def test_a_long_option_is_a_select(jumper, shopper):
    product, _ = jumper
    more = [f"Tint {number}" for number in range(5)]
    options = [{"name": "Size", "values": list(SIZES)}, {"name": "Colour", "values": [*COLOURS, *more]}]
    Product.objects.filter(pk=product.pk).update(options=options)
    text = page(shopper, **{"option-1": "Large"})
    assert '<select id="option-2" name="option-2" required>' in text
    assert '<option value="Moss">Moss: not made like this</option>' in text


def test_sold_out_altogether_offers_letters(jumper, shopper):
    for variant in jumper[1].values():
        put_on_hand(variant, 0)
    text = page(shopper)
    assert 'id="choose"' not in text
    assert len(re.findall(r'href="http://mall.localhost:8000/alerts/of/\d+/"', text)) == 11
