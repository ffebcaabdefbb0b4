"""The defences of the checkout, and for each how its module reads without it: ``make mutants`` puts each fault back.

An entry is a fault that was once seen or is one step from it: its name, what was possible, the tests of which one must
notice, and the change. ``IN_ANY_ORDER`` and ``KILLS`` are the tests that know none of the faults by name.
"""

from __future__ import annotations

from sessions_farm.communities.tests.support.mutant import Mutant

IN_ANY_ORDER = "checkout/test_any_order"
KILLS = "checkout/test_kills"
AGREED = "cart/checkout/checkout_request"
SERVICES = "cart/checkout/services"


def of(module: str, *entries: tuple[str, ...]) -> list[Mutant]:
    """Mutants of one module, each given as: name, what it makes possible, tests, old text, new text, old, new…"""
    return [
        Mutant(
            name, says, f"{module}.py", tuple(f"tests/integration/{test}.py" for test in tests.split()),
            tuple(zip(texts[::2], texts[1::2], strict=True)), __name__,
        )
        for name, says, tests, *texts in entries
    ]  # fmt: skip


MUTANTS = [
    *of(
        AGREED,
        ("agreed-in-key", "a draft is paid at a price that fell since", IN_ANY_ORDER,
         "_digest([self.review_key, self.agreed.dumps()])", "_digest(self.review_key)"),
    ),
    *of(
        "cart/checkout/prepare",
        ("increase-refused", "more is taken than was agreed", IN_ANY_ORDER,
         "    _reject_increases(summary, checkout_request.agreed, drafts)\n", ""),
        ("increase-beside-a-fall", "a price that rose hides behind one that fell",
         f"{IN_ANY_ORDER} checkout/test_prepare",
         "        if amount > before.get(key, 0)\n",
         "        if now.total > agreed.total and amount > before.get(key, 0)\n"),
        ("nothing-to-pay", "a card form for 0.00", f"{IN_ANY_ORDER} checkout/test_payments",
         "    if not order.total:", "    if cart is None:"),
        ("paid-wish-ends", "asked to pay again for what is paid", f"{IN_ANY_ORDER} checkout/test_payments",
         "        raise AlreadyPaidError(order)", "        continue"),
        ("previous-draft-expires", "two drafts hold the same goods", IN_ANY_ORDER,
         "    superseded = _expire_previous_draft(cart, now)", "    superseded: list[Payment] = []"),
        ("corrected-address", "goods go to the address that was corrected",
         f"{IN_ANY_ORDER} checkout/test_prepare",
         "    _reject_other_address(order, checkout_request.contact)\n", ""),
    ),
    *of(
        SERVICES,
        ("paid-ends-the-checkout", "paid, corrected, paid again", IN_ANY_ORDER,
         "        raise AlreadyPaidError(order)\n    if order.payments", "        pass\n    if order.payments"),
        ("closed-before-prepared", "killed between, the next press asks for the money again", KILLS,
         " | Q(order__uuid__in=holders)", ""),
        ("closed-charge-followed", "no other payment while the first waits for the sweeper", IN_ANY_ORDER,
         "        if not error.permanent:\n            raise\n", "        raise\n"),
    ),
    *of(
        "cart/checkout/finalise",
        ("one-order-a-wish", "two orders of one wish, and both charges kept", f"{IN_ANY_ORDER} checkout/test_payments",
         " or payment.is_wish_fulfilled", ""),
        ("sold-out-goes-back", "money without goods", IN_ANY_ORDER,
         "        _mark(payment, Payment.State.REFUND_DUE, now)\n        cancel_order", "        cancel_order"),
        ("amount-compared", "another amount is kept", f"{IN_ANY_ORDER} checkout/test_finalise",
         "if (result.amount, result.currency) != (order.total, order.currency)", "if order.total < 0"),
    ),
    *of(
        "cart/checkout/placing",
        ("late-takes-goods", "an expired order is placed without goods", IN_ANY_ORDER,
         "order.state == Order.State.EXPIRED", "order.state == Order.State.CANCELLED"),
    ),
    *of(
        "cart/checkout/sweeping",
        ("unpaid-is-closed", "a payment stays started for ever", f"{IN_ANY_ORDER} {KILLS}",
         "settle = finalise if is_held else close_payment", "settle = finalise"),
        ("refund-asked-again", "a refund that was cut off is never made", f"{IN_ANY_ORDER} {KILLS}",
         "OPEN = (Payment.State.STARTED, Payment.State.REFUND_DUE)", "OPEN = (Payment.State.STARTED,)"),
        ("open-payment-keeps-draft", "a draft is expired while it is being paid", "checkout/test_payments",
         "~Exists(live_holds), ~Exists(started), ", "~Exists(live_holds), "),
    ),
    *of(
        "cart/checkout/looks",
        ("looks-move-on", "dead payments hide one that was captured", "checkout/test_payments",
         "        row.next_look_at = now + delay_after(row.looks, first=FIRST_DELAY, longest=LONGEST_DELAY)\n", ""),
    ),
    *of(
        "cart/checkout/payments/sandbox/gateway",
        ("cancelled-for-good", "a charge is paid after the shop closed it", f"{KILLS} checkout/test_payments",
         "        if charge.state == Charge.State.CANCELLED:", "        if charge is None:"),
        ("notice-without-json", "a signed notice that is no JSON is an error of the mall", "checkout/test_journey",
         "except (ValueError, TypeError, KeyError, RecursionError) as error", "except KeyError as error"),
    ),
    *of(
        "cart/orders/models",
        ("ordered-goods-stay", "goods that are being paid are deleted", f"{IN_ANY_ORDER} vendors/test_ledger",
         'models.ForeignKey("vendors.Variant", models.PROTECT, null=True',
         'models.ForeignKey("vendors.Variant", models.SET_NULL, null=True'),
    ),
    *of(
        "cart/services",
        ("hold-follows-owner", "signing in half-way sells the last piece out to its own holder", IN_ANY_ORDER,
         "    held_by = carts[source.pk].held_by or target_cart.held_by  # a hold follows its owner into the account\n",
         "    held_by = target_cart.held_by\n"),
        ("one-order-of-locks", "two services wait for each other", "checkout/test_locks",
         "    list(Cart.objects.select_for_update(no_key=True).filter(pk=cart.pk))\n    line", "    line"),
    ),
    *of(
        "cart/transactions",
        ("deadlock-tried-again", "a deadlock is called an outage", "checkout/test_locks",
         "ATTEMPTS = 3", "ATTEMPTS = 1"),
    ),
    *of(
        "cart/checkout/payment_views",
        ("order-for-its-buyer", "the gateway's return address shows a stranger the order", "checkout/test_journey",
         "    return is_visitor or (user", "    return bool(order) or (user"),
    ),
    *of(
        "vendors/stock",
        ("rows-locked", "the last piece is sold twice", "checkout/test_races",
         "rows.order_by(\"pk\").select_for_update(of=(\"self\",), no_key=True)", "rows.order_by(\"pk\")"),
        ("lapsed-hold-yields", "a late payment takes what another holds", "checkout/test_finalise",
         "until in holds if until <= now]", "until in holds if until is None]"),
    ),
    *of(
        "vendors/ledger",
        ("stale-count", "a list that was opened an hour ago brings sold pieces back", "vendors/test_ledger",
         "    refuse_stale(row, entry.seen)\n", ""),
    ),
    *of(
        "cart/checkout/limits",
        ("declines-counted", "a list of stolen cards is tried through", "checkout/test_card_testing",
         "    _reject_declines(limits, shopper)\n", ""),
        ("network-share", "a few carts without an account hold all there is", "checkout/test_hold_hoarding",
         "    return held + pieces > limits.most_fresh_pieces(on_hand) or used >= budget", "    return False"),
        ("held-time", "a letter changed in the address begins the hold anew", "checkout/test_hold_hoarding",
         "    if granted < SHORTEST_HOLD:", "    if granted is None:"),
    ),
    *of(
        "cart/aftersale/cancelling",
        ("cancelled-once", "pressed twice, cancelled twice", f"{IN_ANY_ORDER} aftersale/test_cancelling",
         "    order = _lock_order(order_id)\n    return _find(order, key) or _cancel(order, pieces, key",
         "    order = _lock_order(order_id)\n    return _cancel(order, pieces, key"),
        ("cancelled-goods-return", "cancelled goods are never sold again", f"{IN_ANY_ORDER} aftersale/test_cancelling",
         "    goods.put_back(order, lines, key", "    dict(order=order, lines=lines, key"),
    ),
    *of(
        "cart/aftersale/refunding",
        ("refunded-once", "pressed twice, refunded twice", f"{IN_ANY_ORDER} aftersale/test_cancelling",
         "    if existing is not None:\n        return existing\n", ""),
    ),
    *of(
        "cart/orders/refunds",
        ("refund-of-what-is-left", "more is refunded of a thing than it cost", IN_ANY_ORDER,
         "min(amount, left[item])", "amount"),
    ),
    *of(
        "cart/checkout/payments/sandbox/services",
        ("given-back-once", "a lost answer, and money goes back twice", f"{IN_ANY_ORDER} checkout/test_gateways",
         "    if ChargeRefund.objects.filter(charge=charge, key=key).exists():\n        return\n", ""),
    ),
    *of(
        "shipping/receivers",
        ("dispatch-cancelled", "cancelled goods are sent", f"{IN_ANY_ORDER} aftersale/test_cancelling",
         "    services.revise_dispatch(consignment=consignment, now=now)\n", ""),
    ),
    *of(
        "cart/orders/access",
        ("old-link", "a link that ran out opens the order", "checkout/test_order_page",
         "    if not order.is_opened_by(link):", "    if order is None:"),
    ),
]  # fmt: skip
BY_NAME = {mutant.name: mutant for mutant in MUTANTS}
