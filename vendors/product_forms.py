"""Forms of a product's page: the product, its variants and its pictures."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.forms.renderers import get_default_renderer
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from vendors import images, ledger, products, skus
from vendors.models import Product, ProductImage, Variant
from vendors.models.deletion import ADVICE, lock_for_deletion

NEW_STATUS = {
    "_publish": Product.Status.PUBLISHED,
    "_draft": Product.Status.DRAFT,
    "_withdraw": Product.Status.WITHDRAWN,
}


class ProductForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """Edit a product; the button that saves it also publishes or withdraws it."""

    also_seen = ("status",)

    class Meta:
        model = Product
        fields = ["vendor", "name", "slug", "category", "summary", "description", "details"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "category" in self.fields:
            self._offer_categories(self.fields["category"])

    def _offer_categories(self, field: Any) -> None:
        """Offer those of the product's marketplace; of a product without a shop say whose each is."""
        if self.instance.vendor_id:
            field.queryset = field.queryset.filter(marketplace=self.instance.vendor.marketplace_id)
        elif field.queryset.order_by().values("marketplace").distinct().count() > 1:
            field.queryset = field.queryset.select_related("marketplace__community")
            field.label_from_instance = lambda row: f"{row} ({row.marketplace})"

    def _post_clean(self) -> None:
        """Take the status of the pressed button, before the row is validated and its variants are."""
        pressed = [status for name, status in NEW_STATUS.items() if name in self.data]
        self.instance.status = pressed[0] if pressed else self.instance.status
        super()._post_clean()  # type: ignore[misc]  # Django's own, not in the stubs
        if "variants-TOTAL_FORMS" not in self.data:  # else the variants are checked as they will be
            try:
                products.refuse_nothing_to_sell(self.instance)
            except products.ProductError as error:
                self.add_error(None, str(error))


class FirstPiecesInput(forms.NumberInput):
    """Ask for the first pieces of a new variant; show the pieces on hand of one that is there."""

    row: Variant | None = None

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> Any:
        """Return the input, or the pieces with the way to the page where they are entered."""
        if self.row is None:
            return super().render(name, value, attrs, renderer)
        page = reverse("admin:vendors_stock_change", args=[self.row.pk])
        return format_html('<a href="{}">{} on hand</a>', page, self.row.stock.on_hand)


class VariantInlineForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """Edit a variant below its product; a new one comes with its first pieces."""

    currency = ""  # of the product; the formset sets it
    also_seen = ("option_values",)
    first_pieces = forms.IntegerField(
        label="Pieces",
        required=False,
        min_value=0,
        max_value=1_000_000,
        widget=FirstPiecesInput(attrs={"size": 5}),
        help_text="On hand now.",
    )

    class Meta:
        model = Variant
        fields = ["name", "sku", "price", "sale_price", "position", "withdrawn"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is not None:
            pieces: Any = self.fields["first_pieces"]
            pieces.disabled, pieces.widget.row = True, self.instance
        if self.instance.option_values:
            self.fields["name"].disabled = True  # the values make it


class VariantFormSet(forms.BaseInlineFormSet):  # type: ignore[type-arg]  # not subscriptable at run time
    """Refuse variants that could not be sold, a taken SKU, and the deletion of held or ordered ones."""

    def _construct_form(self, i: int, **kwargs: Any) -> Any:
        form = super()._construct_form(i, **kwargs)  # type: ignore[misc]  # Django's own, not in the stubs
        form.currency = self.instance.currency
        form.instance.product = self.instance
        return form

    @property
    def empty_form(self) -> Any:
        """Return the form that the page copies for each further variant."""
        form: Any = super().empty_form
        form.currency = self.instance.currency
        return form

    def clean(self) -> None:
        """Check the deletions while no checkout can begin to hold the variants."""
        lock_for_deletion(pk__in=[form.instance.pk for form in self.deleted_forms if form.instance.pk])
        try:
            super().clean()
        except ValidationError as error:
            if error.code != "deleting_protected":
                raise
            raise ValidationError(f"{(error.params or {})['instance']} {ADVICE}", code=error.code) from error
        self._refuse_taken_skus()
        self._refuse_nothing_to_sell()
        self._refuse_twins()

    def _kept(self) -> list[dict[str, Any]]:
        """Return the data of the variants that will be there."""
        rows = [form for form in self.forms if form not in self.deleted_forms]
        kept = [form for form in rows if form.cleaned_data.get("sku")]
        return [form.cleaned_data | {"values": form.instance.option_values} for form in kept]

    def _refuse_taken_skus(self) -> None:
        if self.instance.vendor_id is None:
            return
        own = [form.instance.pk for form in self.forms if form.instance.pk]
        if fault := skus.sku_fault(self.instance.vendor_id, [row["sku"] for row in self._kept()], besides=own):
            raise ValidationError(fault, code="sku_taken")

    def _refuse_nothing_to_sell(self) -> None:
        """Refuse to publish a product without a variant that can be sold."""
        is_published = self.instance.status == Product.Status.PUBLISHED
        if is_published and all(row.get("withdrawn") for row in self._kept()):
            raise ValidationError(products.NOTHING_TO_SELL, code="nothing_to_sell")

    def _refuse_twins(self) -> None:
        """Refuse two variants on sale with the same option values."""
        rows = [row for row in self._kept() if row["values"] and not row["withdrawn"]]
        on_sale = [repr(sorted(row["values"].items())) for row in rows]
        if len(set(on_sale)) < len(on_sale):
            raise ValidationError("Two variants on sale have the same values; withdraw one.", code="twins")

    def enter_first_pieces(self, user: Any) -> None:
        """Write the first pieces of the new variants into the ledger, after they are saved."""
        found = {
            form.instance.pk: pieces
            for form in self.forms
            if form.instance in getattr(self, "new_objects", []) and (pieces := form.cleaned_data.get("first_pieces"))
        }
        if found:
            ledger.count(found, why="First stock", user=user, now=timezone.now())


class PictureInput(forms.FileInput):
    """Choose a picture, beside the present one."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> Any:
        """Return the small picture and the input."""
        control = super().render(name, value, attrs, renderer or get_default_renderer())
        row = getattr(value, "instance", None)
        if row is None or not value:
            return control
        picture = '<img class="picture-now" src="{}" width="80" height="80" alt="">{}'
        return format_html(picture, row.rendition(300), control)


class ProductImageForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """Edit a product image: encode the upload during validation, write the files on save."""

    encoded: images.Renditions | None = None

    class Meta:
        model = ProductImage
        fields = ["file", "alt", "position"]
        widgets = {"file": PictureInput(attrs={"accept": ",".join(images.MEDIA_TYPES)})}
        error_messages = {
            "file": {"required": "Choose the file of the picture."},
            "alt": {"required": "Say what the picture shows, for those who cannot see it."},
        }

    def clean_file(self) -> Any:
        """Encode an upload; reject a file that is no picture."""
        upload = self.cleaned_data["file"]
        if isinstance(upload, UploadedFile):
            upload.seek(0)
            try:
                self.encoded = images.encode_renditions(upload, upload.size or 0)
            except images.InvalidImageError as error:
                raise forms.ValidationError(str(error), code="invalid_image") from error
        return upload

    def save(self, commit: bool = True) -> Any:  # noqa: FBT001, FBT002 -- Django's signature
        """Save the row and the encoded files."""
        image = super().save(commit=False)
        if self.encoded is not None:
            images.save_renditions(image, self.encoded)
        if commit:
            image.save()
        return image
