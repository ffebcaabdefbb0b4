"""The page in the admin on which a product gets its options, and by them its variants."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core import signing
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from vendors import options, products
from vendors.models import Product
from vendors.money_fields import MoneyField
from vendors.options import Option

TEMPLATE = "admin/vendors/product/options.html"
MOST_OPTIONS = 3
SALT = "vendors.options_page"


class OptionsForm(forms.Form):
    """Take the options with their values, and the values of new variants."""

    seen = forms.CharField(widget=forms.HiddenInput)
    price = MoneyField(label="Price of new variants", required=False)
    sku_pattern = forms.CharField(
        label="SKU of new variants", required=False, max_length=80, widget=forms.TextInput(attrs={"size": 40})
    )
    pieces = forms.IntegerField(
        label="Pieces on hand of each new one", required=False, min_value=0, max_value=1_000_000
    )

    def __init__(self, *args: Any, product: Product, **kwargs: Any) -> None:
        self.product, self.currency = product, product.currency
        variants = list(product.variants.all())
        before = options.options_of(product.options)
        initial = {
            "seen": seen_of(product),
            "price": min((each.price for each in variants), default=None),
            "sku_pattern": "-".join([product.slug[:20].upper(), *(f"{{{option.name}}}" for option in before)]),
        }
        super().__init__(*args, **kwargs | {"initial": initial})
        for place in range(MOST_OPTIONS):
            option = before[place] if place < len(before) else Option("", ())
            self._add_option(place, option)
        self.fields["sku_pattern"].help_text = (
            "Names of options in braces stand for the value: LAMP-{Size}-{Colour} makes LAMP-LARGE-RED. "
            "One that is left out comes at the end."
        )

    def _add_option(self, place: int, option: Option) -> None:
        number = place + 1
        self.fields[f"was_{place}"] = forms.CharField(
            required=False, initial=option.name, max_length=40, widget=forms.HiddenInput
        )
        self.fields[f"name_{place}"] = forms.CharField(
            label=f"Option {number}", required=False, initial=option.name, max_length=40, help_text="Such as Size."
        )
        self.fields[f"values_{place}"] = forms.CharField(
            label=f"Values of option {number}",
            required=False,
            initial=", ".join(option.values),
            max_length=20_000,
            widget=forms.TextInput(attrs={"size": 60}),
            help_text="With commas between: Small, Medium, Large. In the order of the shop.",
        )

    def rows(self) -> list[tuple[forms.BoundField, forms.BoundField, forms.BoundField]]:
        """Return the fields of each option."""
        places = range(MOST_OPTIONS)
        return [(self[f"was_{place}"], self[f"name_{place}"], self[f"values_{place}"]) for place in places]

    def clean_seen(self) -> str:
        """Refuse a page that shows other variants than there are."""
        if self.cleaned_data["seen"] != seen_of(self.product):
            raise ValidationError(
                "The variants changed while this page was open. They are shown as they are now: look again, then save."
            )
        return str(self.cleaned_data["seen"])

    def clean(self) -> dict[str, Any]:
        """Read the options; refuse halves of one, the same name twice, and too many variants."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        found = [self._option(place, data) for place in range(MOST_OPTIONS)]
        self.options = [option for option in found if option]
        names = [option.name.casefold() for option in self.options]
        if len(set(names)) < len(names):
            raise ValidationError("Two options have the same name.")
        if (number := options.number_of_combinations(self.options)) > options.MOST_VARIANTS:
            raise ValidationError(f"That makes {number} variants; a product has {options.MOST_VARIANTS} at most.")
        if self.errors:
            return data
        before = options.options_of(self.product.options)
        self.plan = options.make_plan(before, self.options, self.product.variants.all())
        if self.plan.new:
            self._need(data)
        return data

    def _option(self, place: int, data: dict[str, Any]) -> Option | None:
        name = " ".join((data.get(f"name_{place}") or "").split())
        values = options.split_values(data.get(f"values_{place}") or "")
        if not name and not values:
            return None
        if not name:
            self.add_error(f"name_{place}", "Say what the values are: Size, Colour.")
        if not values:
            self.add_error(f"values_{place}", "Type its values, with commas between.")
        return Option(name, values, was=data.get(f"was_{place}") or "") if name and values else None

    def _need(self, data: dict[str, Any]) -> None:
        if not data.get("price") and "price" not in self.errors:
            self.add_error("price", "New variants need a price of more than nothing.")
        pattern = data.get("sku_pattern") or ""
        placed = {found.strip().casefold() for found in options.PLACEHOLDER.findall(pattern)}
        names = {option.name.casefold(): option.name for option in self.options if len(option.values) > 1}
        missing = [f"{{{name}}}" for key, name in names.items() if key not in placed]  # each needs a SKU of its own
        data["sku_pattern"] = "-".join(filter(None, [pattern, *missing]))


class OptionsPageMixin:
    """Add the page to the admin of products."""

    admin_site: admin.AdminSite
    opts: Any

    def get_urls(self) -> list[URLPattern]:
        """Return the URLs with that of the page."""
        view = self.admin_site.admin_view(self.options_view)
        own = path("<path:object_id>/options/", view, name="vendors_product_options")
        return [own, *super().get_urls()]  # type: ignore[misc]  # of the admin it is mixed into

    def options_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show the page; a POST shows the plan, or carries it out."""
        product = self.get_object(request, unquote(object_id))  # type: ignore[attr-defined]  # as above
        if not self.has_change_permission(request, product):  # type: ignore[attr-defined]  # as above
            raise PermissionDenied
        if product is None:
            messages.warning(request, "There is no such product among yours. Perhaps it was deleted.")
            return HttpResponseRedirect(reverse("admin:vendors_product_changelist"))
        with transaction.atomic():
            Product.objects.select_for_update(of=("self",), no_key=True).get(pk=product.pk)
            product.refresh_from_db(fields=["options", "status"])
            form = OptionsForm(request.POST or None, product=product)
            is_valid = request.method == "POST" and form.is_valid()
            if is_valid and request.POST.get("button") == "save" and self._save(request, product, form):
                query = {"product": product.pk}
                return HttpResponseRedirect(reverse("admin:vendors_variant_changelist", query=query))
            return self._options_page(request, product, form, form.plan if is_valid else None)

    def _save(self, request: HttpRequest, product: Product, form: OptionsForm) -> bool:
        """Make the variants; return False, with the form showing why, where they cannot be."""
        data = form.cleaned_data
        new = products.NewVariants(data.get("price") or 0, data["sku_pattern"], data.get("pieces") or 0)
        try:
            with transaction.atomic():
                plan = products.set_options(product, form.options, new, user=request.user, now=timezone.now())  # type: ignore[arg-type]  # signed in
        except products.ProductError as error:
            form.add_error(None, f"Nothing was changed. {error}")
            return False
        except IntegrityError:
            form.add_error(None, "Nothing was changed. Two variants would have the same values; change one option.")
            return False
        text = f"{len(plan.new)} new, {len(plan.kept) + len(plan.restored)} kept, {len(plan.withdrawn)} withdrawn."
        self.log_change(request, product, f"Set the options: {text}")  # type: ignore[attr-defined]  # of the admin
        messages.success(request, f"Variants of {product}: {text}")
        return True

    def _options_page(
        self, request: HttpRequest, product: Product, form: OptionsForm, plan: options.Plan | None
    ) -> HttpResponse:
        if form.is_bound:  # what is shown now is what is seen next
            form.data = {**form.data.dict(), "seen": seen_of(product)}  # type: ignore[attr-defined]  # a QueryDict
        context = {
            **self.admin_site.each_context(request),
            "title": f"Options of {product}",
            "opts": self.opts,
            "product": product,
            "form": form,
            "media": form.media,
            "plan": plan,
            "new_fields": [form["price"], form["sku_pattern"], form["pieces"]],
            "new_names": new_names(form, plan) if plan else [],
            "kept": [(each, options.name_of(values)) for each, values in plan.kept] if plan else [],
            "restored": [(each, options.name_of(values)) for each, values in plan.restored] if plan else [],
            "others": product.variants.filter(option_values={}, withdrawn=False).count(),
        }
        return TemplateResponse(request, TEMPLATE, context)


def new_names(form: OptionsForm, plan: options.Plan) -> list[tuple[str, str]]:
    """Return the names of the new variants with their SKUs."""
    pattern = form.cleaned_data["sku_pattern"]
    return [(options.name_of(each), options.sku_of(pattern, each)) for each in plan.new]


def seen_of(product: Product) -> str:
    """Return a signed text of the options and variants as they are now."""
    rows = product.variants.order_by("pk").values_list("pk", "name", "option_values", "withdrawn")
    return signing.Signer(salt=SALT).signature(repr((product.pk, product.options, list(rows))))
