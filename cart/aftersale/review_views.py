"""The page below an order's on which its buyer reviews goods that were sent."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext

from cart.aftersale.forms import ReviewForm
from cart.aftersale.opened import back_to_order, with_order
from cart.aftersale.reviewing import reviewable_line
from cart.aftersale.views import form_page
from cart.orders.models import Order, OrderLine
from vendors import reviews
from vendors.http import MallRequest
from vendors.models import Review
from vendors.reviews import ReviewError


@with_order("GET", "HEAD", "POST")
def review(request: MallRequest, order: Order, token: str, line: int) -> HttpResponse:
    """Show the review of a line with a form; a POST writes it, or takes it back."""
    bought = reviewable_line(order, line)
    if bought is None or bought.variant is None:
        raise Http404("The order has no such line that was sent.")
    before = reviews.by_lines.first([bought.pk])
    form = ReviewForm(request.POST or None, initial=_initial(before, order))
    if request.method == "POST" and request.POST.get("button") == "take_back":
        reviews.take_back(line=bought.pk)
        messages.success(request, gettext("Your review is taken back."))
        return back_to_order(token)
    if request.method == "POST" and form.is_valid() and _write(order, bought, form):
        messages.success(request, gettext("Thank you. The mall’s staff read it, then it is on the product’s page."))
        return back_to_order(token)
    more = {"line": bought, "review": before, "shop": bought.consignment.vendor}
    return form_page(request, "orders/review.html", order, token, form, **more)


def _initial(before: Review | None, order: Order) -> dict[str, object]:
    """Return the first values of the form: those of the review as written before, else the buyer's first name."""
    if before is not None:
        return {"stars": before.stars, "name": before.name, "text": before.text}
    return {"name": order.name.split(" ")[0][:40]}


def _write(order: Order, bought: OrderLine, form: ReviewForm) -> bool:
    """Write the review; return False, with the form showing why, where it is refused."""
    said = {name: form.cleaned_data[name] for name in ("name", "text")}
    product_id = bought.variant.product_id if bought.variant is not None else 0
    try:
        reviews.write_review(
            product_id=product_id,
            line=bought.pk,
            order=order.uuid,
            stars=int(form.cleaned_data["stars"]),
            now=timezone.now(),
            **said,
        )
    except ReviewError as error:
        form.add_error(None, str(error))
        return False
    return True
