"""A test that commits leaves an empty database to the next: ledger, foreign keys and all."""

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import DatabaseError, connection

from tests.support import emptied_tables
from tests.support.two_vendors import make_marketplace, make_side
from vendors.models import StockMovement, Vendor


@pytest.mark.django_db(transaction=True)
def test_all_rows_go_and_content_types_stay():
    make_side("Amber", make_marketplace())
    types = set(ContentType.objects.values_list("pk", "model"))
    with pytest.raises(DatabaseError, match="is refused"):
        StockMovement.objects.all().delete()

    emptied_tables.empty(connection)

    assert types == set(ContentType.objects.values_list("pk", "model"))
    names = set(connection.introspection.django_table_names(only_existing=True)) - emptied_tables.KEPT
    with connection.cursor() as cursor:
        for name in names:
            cursor.execute(f'SELECT count(*) FROM "{name}"')
            assert (name, cursor.fetchone()) == (name, (0,))
    make_side("Amber", make_marketplace())
    assert Vendor.objects.get().slug == "amber"


@pytest.mark.django_db(transaction=True)
def test_no_row_of_the_test_before_is_left():
    """The one above leaves a vendor."""
    assert not Vendor.objects.exists()
