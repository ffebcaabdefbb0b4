"""The spreadsheet of products: one row a variant, with the texts of its product; new ones are made, others changed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils.text import slugify

from vendors.models import Category, Product, Variant, Vendor
from vendors.models.text_fields import MARKDOWN_HELP
from vendors.options import key_of
from vendors.products import NOTHING_TO_SELL
from vendors.sheets import changed, offers
from vendors.sheets.cells import Reader, choice_of, text_of
from vendors.sheets.departments import Departments
from vendors.sheets.plan import NEW_PRODUCT, NEW_VARIANT, Line
from vendors.sheets.sheet import Column, ImportableSheet
from vendors.sheets.writing import Value

PRODUCT_FIELDS = ("name", "category", "status", "summary", "description", "details")
EMPTY_ALLOWED = {"summary", "description", "details"}
LAST_POSITION = 32_767
LOGGED_OF_PRODUCT = ("name", "slug", "category_id", "status", "summary", "description", "details")
LOGGED_OF_VARIANT = ("product_id", "name", "sku", "price", "sale_price", "sale_from", "sale_until", "withdrawn")


class ProductsSheet(ImportableSheet):
    """Make and change products with their variants."""

    name = "products"
    title = "Products"
    columns = (
        Column("slug", "Slug", "The product’s address. Empty: made of its name.", "linen-shirt"),
        Column("name", "Product", "Its name; a new product needs one.", "Linen shirt"),
        Column("category", "Category", "Name or slug; a new product needs one."),
        Column("status", "Status", "draft, published or withdrawn. Empty in a new product: draft.", "draft"),
        Column("summary", "Summary", "One sentence for lists.", "Woven in Ulster."),
        Column("description", "Description", MARKDOWN_HELP, "Stone-washed linen."),
        Column("details", "Details", "One a line, such as Material: linen.", "Material: linen"),
        Column("variant", "Variant", "Empty where the product has a single one.", "M"),
        Column("sku", "SKU", "Names the variant, each once in a shop.", "LS-M", is_needed=True),
        *offers.COLUMNS,
        Column("withdrawn", "Withdrawn", "yes takes the variant off the sale."),
    )

    def readers(self, vendor: Vendor) -> dict[str, Reader]:
        """Return the readers; categories are those of the vendor's marketplace."""
        fields = {name: text_of(Product, name) for name in ("slug", "name", "summary", "description", "details")}
        return {
            **fields,
            "category": Departments(vendor).read,
            "status": choice_of(Product.Status),
            "variant": text_of(Variant, "name"),
            "sku": offers.read_sku,
            **offers.readers(vendor),
        }

    def rows(self, vendor: Vendor) -> Iterator[Sequence[Value]]:
        """Yield a row for each variant, and one for each product without any."""
        departments, currency = Departments(vendor), vendor.marketplace.currency
        goods = Variant.objects.filter(product__vendor=vendor).select_related("product")
        for variant in goods.order_by("product__name", "product_id", "position", "pk").iterator(2000):
            withdrawn = "yes" if variant.withdrawn else None
            offer = offers.cells_of(variant, currency)
            yield [*_cells_of(variant.product, departments), variant.name, variant.sku, *offer, withdrawn]
        bare = Product.objects.for_vendor(vendor.pk).filter(variants=None)
        for product in bare.order_by("name", "pk").iterator(2000):
            yield [*_cells_of(product, departments), *[None] * (len(offers.COLUMNS) + 3)]

    def example(self, vendor: Vendor) -> list[list[Value]]:
        """Return a new product in two sizes, in a category of the marketplace."""
        first = Category.objects.filter(marketplace=vendor.marketplace_id).first()
        row = {column.name: column.example for column in self.columns}
        row["category"] = Departments(vendor).text_of(first.pk) if first else "Clothes"
        other = row | {"variant": "L", "sku": "LS-L", "sale_price": None, "sale_from": None, "sale_until": None}
        return [list(row.values()), list(other.values())]

    def lock(self, vendor: Vendor, lines: list[Line]) -> None:
        """Lock products, then variants, then the vendor, as the product's form does; each in primary key order."""
        products = _products_of(vendor, lines).order_by("pk").select_for_update(of=("self",), no_key=True)
        pks = list(products.values_list("pk", flat=True))
        offers.lock(Variant.objects.filter(product__in=pks))
        Vendor.objects.select_for_update(no_key=True).get(pk=vendor.pk)

    def compare(self, vendor: Vendor, lines: list[Line], present: set[str]) -> Writes:
        """Compare lines with the vendor's products."""
        return Comparison(vendor, lines, present).compare()

    def write(self, writes: Writes, user: Any, now: datetime) -> None:
        """Write products, then variants, and the audit log of both."""
        for product in writes.new_products:
            product.created_at = now
        changed.create(writes.new_products, LOGGED_OF_PRODUCT)
        changed.create(writes.new_variants, LOGGED_OF_VARIANT)
        changed.update(writes.products.values(), updated_at=now)
        changed.update([each for each in writes.variants if each.row.withdrawn])  # first: others get their values
        changed.update([each for each in writes.variants if not each.row.withdrawn])


def _cells_of(product: Product, departments: Departments) -> list[Value]:
    texts = [text.replace("\r\n", "\n") for text in (product.summary, product.description, product.details)]
    return [product.slug, product.name, departments.text_of(product.category_id), product.status, *texts]


def _products_of(vendor: Vendor, lines: list[Line]) -> Any:
    """Return the vendor's products that lines name, by their SKU or by their slug."""
    skus = {line.sku for line in lines if line.sku}
    by_sku = Variant.objects.filter(product__vendor=vendor, sku__in=skus).values("product")
    return Product.objects.for_vendor(vendor.pk).filter(Q(slug__in=_slugs_of(lines)) | Q(pk__in=by_sku))


def _slugs_of(lines: list[Line]) -> set[str]:
    return {slug for line in lines if (slug := _slug_of(line))}


def _slug_of(line: Line) -> str:
    """Return the slug that a line says, or that its product's name makes."""
    return str(line.values.get("slug") or slugify(line.values.get("name", ""))[:160])


@dataclass(slots=True)
class Writes:
    """Hold the rows to be written: new ones, and changed ones with their fields' values before and after."""

    new_products: list[Product] = field(default_factory=list)
    new_variants: list[Variant] = field(default_factory=list)
    products: dict[int, changed.Changed[Product]] = field(default_factory=dict)
    variants: list[changed.Changed[Variant]] = field(default_factory=list)


@dataclass(slots=True)
class Draft:
    """Hold a product of the file: the row, its variants, the lines about it, and their values."""

    product: Product
    variants: list[Variant]
    lines: list[Line] = field(default_factory=list)
    given: dict[str, tuple[Any, Line]] = field(default_factory=dict)

    @property
    def is_new(self) -> bool:
        """Return True for a product that is not there yet."""
        return self.product.pk is None


class Comparison:
    """Compare the lines of a file with a vendor's products and variants."""

    def __init__(self, vendor: Vendor, lines: list[Line], present: set[str]) -> None:
        self.vendor, self.lines, self.present = vendor, lines, present
        self.currency = vendor.marketplace.currency
        self.departments = Departments(vendor)
        self.headings = {column.name: column.heading for column in ProductsSheet.columns}
        self.writes = Writes()
        self.drafts: dict[str, Draft] = {}
        products = list(_products_of(vendor, lines))
        self.by_slug = {product.slug: product for product in products}
        own = {product.pk: product for product in products}
        self.variants: dict[int, list[Variant]] = defaultdict(list)
        self.by_sku: dict[str, list[Variant]] = defaultdict(list)
        for variant in Variant.objects.filter(product__in=own):
            variant.product = own[variant.product_id]
            self.variants[variant.product_id].append(variant)
            self.by_sku[variant.sku].append(variant)

    def compare(self) -> Writes:
        """Add faults and differences to the lines; return the writes."""
        named = [
            (line, variant, self._draft_for(line, variant)) for line in self.lines for variant in self._found(line)
        ]
        for line, variant, draft in named:
            if draft is not None:
                draft.lines.append(line)
                self._gather(draft, line)
                self._compare_variant(draft, line, variant)
        for draft in self.drafts.values():
            self._compare_product(draft)
            self._refuse_nothing_to_sell(draft)
            self._refuse_twins(draft)
        return self.writes

    def _found(self, line: Line) -> list[Variant | None]:
        """Return the variant of a line's SKU, or None for a new one; nothing, with a fault, where it is not clear."""
        found = self.by_sku.get(line.sku, []) if line.sku else []
        slug = line.values.get("slug")
        if len(found) > 1:
            found = [variant for variant in found if variant.product.slug == slug]
            if not found:
                line.refuse("SKU", f"“{line.sku}” is in the shop more than once: say the slug, too.")
                return []
        if found and slug and found[0].product.slug != slug:
            other = found[0].product
            line.refuse("SKU", f"“{line.sku}” is a variant of {other} ({other.slug}), and moves to no other product.")
            return []
        return [found[0] if found else None]

    def _draft_for(self, line: Line, variant: Variant | None) -> Draft | None:
        """Return the draft of a line's product, a new one at need; None, with a fault, where no product is named."""
        slug = variant.product.slug if variant else _slug_of(line)
        if not slug:
            if not line.faults:
                line.refuse("Slug", "write one, for none can be made of the name.")
            return None
        if slug not in self.drafts:
            product = self.by_slug.get(slug) or Product(vendor=self.vendor, slug=slug)
            self.drafts[slug] = Draft(product, self.variants[product.pk] if product.pk else [])
        return self.drafts[slug]

    def _gather(self, draft: Draft, line: Line) -> None:
        """Take the values of a product from a line; lines that contradict each other are refused."""
        for name in PRODUCT_FIELDS:
            value = line.values.get(name, "")
            if value == "":
                continue
            before, first = draft.given.setdefault(name, (value, line))
            if before != value:
                line.refuse(self.headings[name], f"differs from row {first.number}, which is the same product’s.")

    def _compare_product(self, draft: Draft) -> None:
        """Compare the values of a product from all its lines with its row."""
        product, line = draft.product, draft.lines[0]
        if draft.is_new:
            self._begin_product(draft, line)
            return
        for name in PRODUCT_FIELDS:
            if name not in self.present:
                continue
            value, source = draft.given.get(name, ("", line))
            if value == "" and name not in EMPTY_ALLOWED:
                if name != "status" and not line.faults:
                    line.refuse(self.headings[name], "is empty, and a product needs one.")
                continue
            self._set_product(product, source, name, value)

    def _set_product(self, product: Product, line: Line, name: str, value: Any) -> None:
        attribute = "category_id" if name == "category" else name
        before = getattr(product, attribute)
        if (before.replace("\r\n", "\n") if isinstance(before, str) else before) == value:
            return
        words = self.departments.text_of if name == "category" else str
        line.change(self.headings[name], words(before), words(value))
        self.writes.products.setdefault(product.pk, changed.Changed(product)).set(attribute, value)

    def _begin_product(self, draft: Draft, line: Line) -> None:
        """Fill a new product; refuse one without a name or a category."""
        product = draft.product
        for name in PRODUCT_FIELDS:
            value, _ = draft.given.get(name, ("", line))
            if value != "":
                setattr(product, "category_id" if name == "category" else name, value)
            elif name in {"name", "category"} and not line.faults:
                line.refuse(self.headings[name], f"is empty, and “{product.slug}” is a new product.")
        line.what = NEW_PRODUCT
        category = self.departments.text_of(product.category_id) if product.category_id else ""
        line.differences.insert(0, ("Product", "", f"{product.name} ({product.slug}), {category}, {product.status}"))
        self.writes.new_products.append(product)

    def _compare_variant(self, draft: Draft, line: Line, variant: Variant | None) -> None:
        if not line.sku:
            if any(line.values.get(name, "") != "" for name in ("variant", *offers.NAMES)):
                line.refuse("SKU", "is empty, and a variant needs one.")
            return
        values = {name: line.values[name] for name in ("variant", *offers.NAMES) if name in self.present}
        if variant is None:
            self._begin_variant(draft, line, values)
            return
        if different := offers.compare(variant, line, values, self.currency):
            self.writes.variants.append(different)

    def _begin_variant(self, draft: Draft, line: Line, values: dict[str, Any]) -> None:
        position = max((each.position for each in draft.variants), default=-1) + 1
        variant = Variant(product=draft.product, sku=line.sku, position=min(position, LAST_POSITION))
        offers.begin(variant, line, values, self.currency)
        line.what = line.what or NEW_VARIANT
        draft.variants.append(variant)
        self.writes.new_variants.append(variant)

    def _refuse_nothing_to_sell(self, draft: Draft) -> None:
        is_published = draft.product.status == Product.Status.PUBLISHED
        if is_published and all(variant.withdrawn for variant in draft.variants):
            draft.lines[0].refuse("Status", NOTHING_TO_SELL)

    def _refuse_twins(self, draft: Draft) -> None:
        """Refuse variants on sale with the same option values, at the line that puts one of them back."""
        on_sale = [variant for variant in draft.variants if variant.option_values and not variant.withdrawn]
        times = Counter(key_of(variant.option_values) for variant in on_sale)
        twins = {variant.sku for variant in on_sale if times[key_of(variant.option_values)] > 1}
        for line in draft.lines:
            if line.sku in twins:
                line.refuse("Withdrawn", "another variant on sale has the same values.")
