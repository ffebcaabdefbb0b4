"""The outbox of letters: each end of a checkout is told once, whatever is killed or away."""

import smtplib
from datetime import timedelta

import pytest
from django.core import mail
from django.db import transaction
from django.utils import timezone

from cart.checkout.errors import PaymentReturnedError
from cart.checkout.finalise import finalise
from cart.checkout.payments.sandbox.models import Charge
from cart.checkout.placing import expire_order, place_order
from cart.checkout.services import start_payment
from cart.checkout.sweeping import sweep_checkouts
from cart.letters import outbox, sending
from cart.letters.kinds import LETTERS
from cart.letters.models import TRIES_PERIOD, Letter
from cart.letters.services import write_letter
from cart.orders.models import Order, Payment
from cart.orders.packing import transition_consignment
from tests.support.shop import MASTER, add_goods, begin, order_of, put_on_hand, request_of, visitor_with
from vendors.models import Vendor

pytestmark = pytest.mark.django_db


@pytest.fixture
def lamp(shop):
    return add_goods(shop, "amber", "Lamp", on_hand=1)


@pytest.fixture
def payment(shop, lamp, pay_with):
    """A payment that is made, and not yet known to the mall."""
    payment = begin(visitor_with(shop, lamp=(lamp, 1)))
    pay_with(payment)
    return payment


def settle(payment):
    finalise(payment=payment, now=timezone.now())
    return order_of(payment)


def sent():
    """Send the due letters; their subjects and texts."""
    mail.outbox.clear()
    sending.send_due_letters()
    return [(letter.subject, letter.body) for letter in mail.outbox]


def forget_claims():
    Letter.objects.filter(due_at__isnull=False).update(due_at=timezone.now())


def sell_out(payment, variant):
    """Let the hold lapse, and others take the goods."""
    expire_order(order_of(payment), timezone.now())
    put_on_hand(variant, 0)


def test_placed_order_is_confirmed_once_by_whatever_asks(payment):
    order = settle(payment)
    assert sweep_checkouts(now=timezone.now())["mailed"] == 1
    assert sweep_checkouts(now=timezone.now())["mailed"] == 0
    assert not sending.send_by_uuid(Letter.objects.get().uuid)
    (letter,) = mail.outbox
    ((html, kind),) = letter.alternatives

    assert letter.to == ["anna@example.org"]
    assert kind == "text/html"
    for text in (letter.body, html):
        assert "€14.50" in text
        assert "/orders/status/" in text
    assert order.number in letter.subject


def test_sold_out_while_paying_says_that_the_money_goes_back_and_then_that_it_did(payment, lamp, shop, pay_with):
    sell_out(payment, lamp)
    order = settle(payment)
    (not_placed, _), (refunded, given_back) = ((letter.kind, letter.facts) for letter in Letter.objects.order_by("pk"))

    assert order.state == Order.State.CANCELLED
    assert (not_placed, refunded) == (Letter.Kind.NOT_PLACED, Letter.Kind.REFUNDED)
    assert given_back == {"amount": 1450, "currency": "EUR"}
    (_, sorry), (_, done) = sorted(sent(), key=lambda letter: letter[0])
    assert "Sold out while you were paying" in sorry
    assert "€14.50" in done


def test_paid_twice_names_the_order_that_stays(shop, lamp, pay_with):
    put_on_hand(lamp, 9)
    visitor = visitor_with(shop, lamp=(lamp, 1))
    first = begin(visitor)
    second = begin(visitor, line1="2 Quay Street")
    pay_with(second)
    kept = settle(second)
    Charge.objects.filter(reference=first.reference).update(state=Charge.State.CAPTURED)
    Payment.objects.filter(pk=first.pk).update(state=Payment.State.STARTED)
    twice = settle(first)
    texts = dict(sent())

    assert kept.number in texts[f"Your payment for order {twice.number} goes back"]
    assert f"€14.50 given back for order {twice.number}" in texts


def test_payment_of_another_amount_is_told(payment):
    Order.objects.filter(pk=payment.order_id).update(goods_total=2000, total=2450)
    settle(payment)

    assert [letter.kind for letter in Letter.objects.order_by("pk")] == ["payment_returned", "refunded"]
    assert any("€14.50, but that is not the amount" in body for _, body in sent())


def test_earlier_payment_that_goes_back_ends_the_attempt(shop, lamp, payment):
    """Nothing on the page may say that nothing was charged, and no second charge begins beside it."""
    order = order_of(payment)
    sell_out(payment, lamp)
    again = request_of(order.visitor, line1="2 Quay Street")
    with pytest.raises(PaymentReturnedError) as returned:
        start_payment(visitor=order.visitor, user=None, checkout_request=again, now=timezone.now())

    assert returned.value.order == order
    assert Charge.objects.get().state == Charge.State.REFUNDED


def test_letter_is_written_with_the_change_or_not_at_all(payment, lamp):
    """The control: a letter of a change that was rolled back is not there."""
    order = order_of(payment)
    with pytest.raises(RuntimeError, match="killed"):
        place_and_die(order)
    assert not Letter.objects.exists()
    assert order_of(payment).state == Order.State.DRAFT


def place_and_die(order):
    with transaction.atomic():
        place_order(Order.objects.select_for_update(no_key=True).get(pk=order.pk), timezone.now())
        assert Letter.objects.exists()
        raise RuntimeError("killed")


def test_letter_of_a_worker_that_died_is_sent_by_another(payment):
    settle(payment)
    letter = Letter.objects.get()
    assert outbox.claim_letter(letter, timezone.now())
    assert not outbox.claim_letter(letter, timezone.now())
    assert sent() == []
    forget_claims()
    assert len(sent()) == 1


def test_letter_sent_twice_after_a_kill_has_one_message_id(payment):
    settle(payment)
    ids = []
    for _ in range(2):
        Letter.objects.update(sent_at=None, due_at=timezone.now())
        sent()
        ids += [letter.message()["Message-ID"] for letter in mail.outbox]

    assert len(ids) == 2
    assert len(set(ids)) == 1


def test_mail_server_that_is_away_is_tried_again_and_given_up_after_three_days(payment, settings):
    settle(payment)
    nobody = {"host": "127.0.0.1", "port": 1, "timeout": 1}
    settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": nobody}}
    sending.send_due_letters()
    letter = Letter.objects.get()
    assert (letter.tries, letter.sent_at) == (1, None)
    assert letter.due_at - timezone.now() > outbox.FIRST_DELAY - timedelta(seconds=30)
    assert "refused" in letter.problem.lower()

    Letter.objects.update(created_at=timezone.now() - TRIES_PERIOD, due_at=timezone.now())
    sending.send_due_letters()
    letter.refresh_from_db()
    assert letter.due_at is None
    assert outbox.send_again([letter.pk], timezone.now()) == {letter.pk}


@pytest.mark.parametrize(("code", "is_over"), [(550, True), (450, False)])
def test_recipient_that_is_refused_for_good_is_not_tried_again(payment, code, is_over):
    settle(payment)
    refusal = smtplib.SMTPRecipientsRefused({"anna@example.org": (code, b"no")})
    outbox.mark_failed(Letter.objects.get(), str(refusal), permanent=sending.is_permanent(refusal), now=timezone.now())
    assert (Letter.objects.get().due_at is None) == is_over


def test_same_reason_is_one_letter(payment):
    order = order_of(payment)
    for key in ("a", "a", "b"):
        write_letter(order=order, kind=Letter.Kind.LINK, key=key)
    assert Letter.objects.count() == 2


def test_parcel_that_has_arrived_is_told_once_and_answers_reach_its_shop(payment):
    order = settle(payment)
    consignment = order.consignments.select_related("vendor").get()
    Vendor.objects.update(support_email="help@amber.example")
    for state in ("sent", "delivered"):
        transition_consignment(consignment_id=consignment.pk, to=state, now=timezone.now())
    Letter.objects.filter(kind=Letter.Kind.PLACED).delete()
    ((subject, text),) = sent()

    assert subject == "Your parcel from Amber has arrived"
    assert consignment.number in text
    assert mail.outbox[0].reply_to == ["help@amber.example"]
    assert "An answer to this letter reaches Amber." in text
    assert Letter.objects.filter(kind=Letter.Kind.SENT, sent_at=None).exists(), "it waits until it cannot be undone"


@pytest.mark.parametrize("kind", LETTERS)
def test_each_kind_leads_to_the_order_if_the_buyer_reads_it(payment, kind):
    order = settle(payment)
    facts = {"amount": 1450, "currency": "EUR", "consignment": order.consignments.get().number, "shop": "Amber"}
    if kind == Letter.Kind.QUESTION:
        facts["path"] = "/admin/orders/consignment/1/change/"
    Letter.objects.all().delete()
    write_letter(order=order, kind=kind, key="x", facts=facts)
    ((subject, text),) = sent()
    ((html, _),) = mail.outbox[0].alternatives
    has_key = kind not in (Letter.Kind.QUESTION, Letter.Kind.MAIL_MOVED)  # of those that others than the buyer read

    assert order.number in subject + text
    assert (f"http://{MASTER}:8000/orders/status/" in text) == has_key
    assert (f"http://{MASTER}:8000/orders/status/" in html) == has_key
