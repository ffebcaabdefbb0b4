"""Admin pages of products: their words, variants and pictures, and the ways to copy, see, publish and withdraw them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.forms.widgets import Script
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html

from vendors.bulk_actions import bulk
from vendors.deletion_admin import WithdrawnNotDeletedAdmin
from vendors.goods_search import GoodsSearchMixin
from vendors.models import Product, ProductImage, Stock, Variant
from vendors.money import Money
from vendors.options_page import OptionsPageMixin
from vendors.product_bulk import PublishProducts, WithdrawProducts
from vendors.product_forms import NEW_STATUS, ProductForm, ProductImageForm, VariantFormSet, VariantInlineForm
from vendors.product_pages import ProductPagesMixin, shop_url
from vendors.scoped_admin import CATALOGUE_ROLES, VendorScopedInline
from vendors.sheets.page import SheetPagesMixin

MOST_INLINE = 20  # with more variants, they are edited in their own list
SAID = {
    Product.Status.DRAFT: "{} is a draft: nobody sees it in the shop until you publish it.",
    Product.Status.PUBLISHED: "{} is published.",
    Product.Status.WITHDRAWN: "{} is withdrawn: it is no longer in the shop, and its orders keep it.",
}


class VariantInline(VendorScopedInline):
    """Edit the variants below their product."""

    model = Variant
    form = VariantInlineForm
    vendor_roles = CATALOGUE_ROLES
    formset = VariantFormSet
    fields = ["name", "sku", "price", "sale_price", "first_pieces", "position", "withdrawn"]
    show_change_link = True  # to the page of the variant, where the times of its sale are

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Fetch the stock with each variant."""
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.select_related("stock", "product__vendor__marketplace")

    def get_extra(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> int:
        """Offer a row for the first variant."""
        return 0 if obj is not None and obj.variants.exists() else 1


class ImageInline(VendorScopedInline):
    """Edit the pictures below their product; three empty rows take several at once without a script."""

    model = ProductImage
    form = ProductImageForm
    vendor_roles = CATALOGUE_ROLES
    extra = 3
    classes = ["pictures"]
    verbose_name = "picture"
    verbose_name_plural = "pictures"
    fields = ["file", "alt", "position"]


class ProductAdmin(GoodsSearchMixin, ProductPagesMixin, OptionsPageMixin, SheetPagesMixin, WithdrawnNotDeletedAdmin):
    """Edit a vendor's products."""

    class Media:
        css = {"all": ("vendors/goods.css",)}
        js = (Script("vendors/pictures.js", type="module"),)

    sheet_names = ("products", "prices")
    stock_lookup = "variant__product"
    vendor_roles = CATALOGUE_ROLES
    form = ProductForm
    list_display = ["name", "vendor", "category", "status", "from_price", "on_hand"]
    list_filter = ["status", "category", "vendor"]
    list_select_related = ["vendor__marketplace", "category"]
    search_fields = ["name"]
    prepopulated_fields = {"slug": ["name"]}
    inlines = [VariantInline, ImageInline]
    seen_fields = ("status",)
    actions = [bulk(PublishProducts), bulk(WithdrawProducts), "delete_selected"]
    change_form_template = "admin/vendors/product/form.html"
    fieldsets = [
        (None, {"fields": ["vendor", "name", "slug", "category"]}),
        ("Words", {"fields": ["summary", "description", "details"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Annotate each product with its lowest price and its stock, for the rows of a page alone."""
        on_offer = Variant.objects.on_offer().filter(product=OuterRef("pk")).order_by("price")
        pieces = Stock.objects.filter(variant__product=OuterRef("pk")).order_by().values("variant__product")
        figures: dict[str, Any] = {
            "from_price": Subquery(on_offer.values("price")[:1]),
            "on_hand": Coalesce(Subquery(pieces.annotate(sum=Sum("on_hand")).values("sum")), 0),
        }
        rows: QuerySet[Any] = super().get_queryset(request).annotate(**figures)
        return rows

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        """Leave many variants to their own list; a page that shows them is saved with them."""
        posts_variants = "variants-TOTAL_FORMS" in request.POST
        is_small = obj is None or obj.variants.count() <= MOST_INLINE
        with_variants = posts_variants if request.method == "POST" and obj is not None else is_small
        return self.inlines if with_variants else [ImageInline]

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:  # noqa: FBT001 -- Django's signature
        """Save an inline, and the first pieces of new variants."""
        super().save_formset(request, form, formset, change)
        if isinstance(formset, VariantFormSet):
            formset.enter_first_pieces(request.user)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """Give the page the ways to the product's other pages."""
        is_number = object_id is not None and object_id.isascii() and object_id.isdecimal() and len(object_id) < 19
        number = Variant.objects.filter(product=int(object_id or 0)).count() if is_number else 0
        context = {"statuses": Product.Status, "many_variants": number if number > MOST_INLINE else 0}
        return super().changeform_view(request, object_id, form_url, context | (extra_context or {}))

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """Stay with the new product: its options, pictures and publication come next."""
        self._say_what_comes_next(request, obj)
        if "_addanother" in request.POST or "_popup" in request.POST:
            return super().response_add(request, obj, post_url_continue)
        return HttpResponseRedirect(reverse("admin:vendors_product_change", args=[obj.pk]))

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        """Show the status after a button that changed it, and stay."""
        if not any(name in request.POST for name in NEW_STATUS):
            self._warn_of_sold_out(request, obj)
            return super().response_change(request, obj)
        self._say_what_comes_next(request, obj)
        return HttpResponseRedirect(reverse("admin:vendors_product_change", args=[obj.pk]))

    def _say_what_comes_next(self, request: HttpRequest, product: Any) -> None:
        text = format_html(SAID[product.status], product)
        url = shop_url(product) if product.status == Product.Status.PUBLISHED else ""
        link = format_html(' <a href="{}">See it in the shop</a>', url) if url else ""
        messages.success(request, format_html("{}{}", text, link))
        self._warn_of_sold_out(request, product)

    def _warn_of_sold_out(self, request: HttpRequest, product: Any) -> None:
        is_published = product.status == Product.Status.PUBLISHED
        if is_published and not Stock.objects.filter(variant__product=product, variant__withdrawn=False, on_hand__gt=0):
            page = reverse("admin:vendors_stock_changelist", query={"q": product.name})
            words = "{} is shown as sold out, for there are none on hand. <a href='{}'>Enter its stock</a>"
            messages.warning(request, format_html(words, product, page))

    @admin.display(description="from", ordering="from_price")
    def from_price(self, product: Any) -> str:
        """Format the lowest price of a product's variants."""
        return "no variant" if product.from_price is None else str(Money(product.from_price, product.currency))

    @admin.display(description="on hand", ordering="on_hand")
    def on_hand(self, product: Any) -> int:
        """Return the pieces on hand over all variants."""
        return int(product.on_hand)
