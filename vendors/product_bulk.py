"""The bulk actions of products: publish them, and withdraw them from the shop."""

from __future__ import annotations

from django.utils import timezone

from vendors import products
from vendors.bulk_actions import RowsAction, SeenRow
from vendors.jobs.models import Job, Refusal
from vendors.models import Product
from vendors.scoped_admin import CATALOGUE_ROLES


class SetStatus(RowsAction):
    """Give products a status, each from the one that was seen."""

    roles = CATALOGUE_ROLES
    permission = "vendors.change_product"
    status: Product.Status

    def apply(self, job: Job, rows: list[SeenRow]) -> list[Refusal]:
        """Change the rows; return those that stay as they are."""
        refused = products.set_status(
            seen={row[0]: row[1] for row in rows}, status=self.status, now=timezone.now(), vendor_id=job.vendor_id
        )
        names = dict(Product.objects.filter(pk__in=refused).values_list("pk", "name"))
        return [(names.get(pk, f"row {pk}"), reason) for pk, reason in refused.items()]


class PublishProducts(SetStatus):
    name = "publish_products"
    description = "Publish"
    status = Product.Status.PUBLISHED


class WithdrawProducts(SetStatus):
    name = "withdraw_products"
    description = "Withdraw from the shop"
    status = Product.Status.WITHDRAWN
