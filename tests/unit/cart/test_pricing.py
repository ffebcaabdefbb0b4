from hypothesis import given
from hypothesis import strategies as st

from cart.pricing import Item, Method, Tariff, demands, split

VENDORS = st.integers(1, 6)
money = st.integers(1, 5_000_000)
items = st.lists(
    st.builds(
        Item,
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
methods = st.dictionaries(VENDORS, st.sampled_from(Method))


@given(items, tariffs, methods)
def test_parcels_add_up_to_goods_and_deliveries_to_the_penny(bought, rates, chosen):
    parcels = split(bought, rates, chosen)
    goods = sum(item.unit_price * item.quantity for item in bought)
    assert sum(parcel.goods for parcel in parcels) == goods
    assert sum(parcel.total for parcel in parcels) == goods + sum(parcel.delivery for parcel in parcels)


@given(items, tariffs, methods)
def test_split_makes_one_parcel_a_vendor_and_loses_no_item(bought, rates, chosen):
    parcels = split(bought, rates, chosen)
    assert {parcel.vendor_id for parcel in parcels} == {item.vendor_id for item in bought}
    assert len({parcel.vendor_id for parcel in parcels}) == len(parcels)
    assert sorted(map(repr, bought)) == sorted(repr(item) for parcel in parcels for item in parcel.items)
    assert all(item.vendor_id == parcel.vendor_id for parcel in parcels for item in parcel.items)


@given(items)
def test_demands_sum_lines_of_one_variant(bought):
    wanted = demands(bought)
    assert sum(wanted.values()) == sum(item.quantity for item in bought)


@given(items, tariffs, methods)
def test_method_that_is_not_offered_becomes_standard(bought, rates, chosen):
    for parcel in split(bought, rates, chosen):
        assert rates[parcel.vendor_id].offers(parcel.method)


def test_standard_delivery_is_free_from_the_amount_on():
    tariff = Tariff(standard=450, express=900, free_from=5000)
    assert tariff.charge(4999, Method.STANDARD) == 450
    assert tariff.charge(5000, Method.STANDARD) == 0
    assert tariff.charge(5000, Method.EXPRESS) == 900
    assert tariff.missing_for_free(4999) == 1
    assert tariff.missing_for_free(5000) == 0


def test_nothing_is_missing_for_a_delivery_that_is_never_free():
    assert Tariff(standard=450).missing_for_free(10) == 0
    assert Tariff(standard=0, free_from=5000).missing_for_free(10) == 0
