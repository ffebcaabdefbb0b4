from hypothesis import given
from hypothesis import strategies as st

from cart.pricing import DeliveryMethod, PricedLine, Tariff, quantities_by_variant, split_by_vendor

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
tariffs = st.fixed_dictionaries(
    {
        vendor: st.builds(Tariff, standard=st.integers(0, 5000), express=st.none() | money, free_from=st.none() | money)
        for vendor in range(1, 7)
    }
)
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
def test_method_that_is_not_offered_becomes_standard(bought, rates, chosen):
    for draft in split_by_vendor(bought, rates, chosen):
        assert rates[draft.vendor_id].offers(draft.method)


def test_standard_delivery_is_free_from_the_amount_on():
    tariff = Tariff(standard=450, express=900, free_from=5000)
    assert tariff.charge(4999, DeliveryMethod.STANDARD) == 450
    assert tariff.charge(5000, DeliveryMethod.STANDARD) == 0
    assert tariff.charge(5000, DeliveryMethod.EXPRESS) == 900
    assert tariff.remaining_for_free_delivery(4999) == 1
    assert tariff.remaining_for_free_delivery(5000) == 0


def test_nothing_is_missing_for_a_delivery_that_is_never_free():
    assert Tariff(standard=450).remaining_for_free_delivery(10) == 0
    assert Tariff(standard=0, free_from=5000).remaining_for_free_delivery(10) == 0
