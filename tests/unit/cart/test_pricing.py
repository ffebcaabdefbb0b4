from hypothesis import given
from hypothesis import strategies as st

from cart.pricing import PricedLine, Tariff, quantities_by_variant, split_by_vendor
from vendors.delivery import DeliveryMethod, Rate

VENDORS = st.integers(1, 6)
money = st.integers(1, 5_000_000)
lines = st.lists(
    st.builds(
        PricedLine,
        variant_id=st.integers(1, 40),
        vendor_id=VENDORS,
        sku=st.just("s"),
        name=st.just("n"),
        quantity=st.integers(1, 99),
        unit_price=money,
    ),
    min_size=1,
    max_size=30,
)
days = st.integers(0, 20)
rates_of_all = st.dictionaries(
    st.sampled_from(DeliveryMethod), st.builds(Rate, st.integers(0, 5000), days, days, free_from=st.none() | money)
)
tariffs = st.fixed_dictionaries({vendor: st.builds(Tariff, rates_of_all) for vendor in range(1, 7)})
methods = st.dictionaries(VENDORS, st.sampled_from(DeliveryMethod))


@given(lines, tariffs, methods)
def test_drafts_add_up_to_goods_and_deliveries_to_the_penny(bought, rates, chosen):
    drafts = split_by_vendor(bought, rates, chosen)
    goods = sum(line.unit_price * line.quantity for line in bought)
    assert sum(draft.goods_total for draft in drafts) == goods
    assert sum(draft.total for draft in drafts) == goods + sum(draft.delivery_charge for draft in drafts)


@given(lines, tariffs, methods)
def test_split_makes_one_draft_a_vendor_and_loses_no_line(bought, rates, chosen):
    drafts = split_by_vendor(bought, rates, chosen)
    assert {draft.vendor_id for draft in drafts} == {line.vendor_id for line in bought}
    assert len({draft.vendor_id for draft in drafts}) == len(drafts)
    assert sorted(map(repr, bought)) == sorted(repr(line) for draft in drafts for line in draft.lines)
    assert all(line.vendor_id == draft.vendor_id for draft in drafts for line in draft.lines)


@given(lines)
def test_quantities_sum_lines_of_one_variant(bought):
    wanted = quantities_by_variant(bought)
    assert sum(wanted.values()) == sum(line.quantity for line in bought)


@given(lines, tariffs, methods)
def test_method_is_the_wanted_one_or_one_that_is_offered(bought, rates, chosen):
    for draft in split_by_vendor(bought, rates, chosen):
        tariff = rates[draft.vendor_id]
        assert tariff.offers(draft.method) == bool(tariff.rates)
        if tariff.offers(wanted := chosen.get(draft.vendor_id, DeliveryMethod.STANDARD)):
            assert draft.method == wanted


@given(lines, tariffs, methods)
def test_draft_has_the_days_of_its_rate(bought, rates, chosen):
    for draft in split_by_vendor(bought, rates, chosen):
        rate = rates[draft.vendor_id].rates.get(draft.method, Rate(0, 0, 0))
        assert (draft.days_from, draft.days_until) == (rate.days_from, rate.days_until)


def tariff_of(standard, express=None, free_from=None):
    rates = {DeliveryMethod.STANDARD: Rate(standard, 2, 3, free_from)}
    return Tariff(rates if express is None else rates | {DeliveryMethod.EXPRESS: Rate(express, 1, 1)})


def test_standard_delivery_is_free_from_the_amount_on():
    tariff = tariff_of(450, express=900, free_from=5000)
    assert tariff.charge(4999, DeliveryMethod.STANDARD) == 450
    assert tariff.charge(5000, DeliveryMethod.STANDARD) == 0
    assert tariff.charge(5000, DeliveryMethod.EXPRESS) == 900
    assert tariff.remaining_for_free_delivery(4999) == 1
    assert tariff.remaining_for_free_delivery(5000) == 0


def test_nothing_is_missing_for_a_delivery_that_is_never_free():
    assert tariff_of(450).remaining_for_free_delivery(10) == 0
    assert tariff_of(0, free_from=5000).remaining_for_free_delivery(10) == 0


def test_a_place_without_rates_is_not_delivered_to():
    assert Tariff().charge(10, DeliveryMethod.EXPRESS) == 0
    assert Tariff().remaining_for_free_delivery(10) == 0
    only_express = Tariff({DeliveryMethod.EXPRESS: Rate(900, 1, 1)})
    assert only_express.charge(10, DeliveryMethod.STANDARD) == 900
