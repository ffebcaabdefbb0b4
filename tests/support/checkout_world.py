"""A small mall where anything may happen next: a shopper with two tabs, a rival, staff, the bank, a clock, accidents.

Each act checks what its actor is answered; ``reconciliation`` says what must hold of the rows.
"""

import logging
from contextlib import ExitStack, closing, contextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import time_machine
from django.db import connection
from django.db.models import ProtectedError, Sum
from django.utils import timezone

from cart.aftersale import cancelling, refunding, returning
from cart.aftersale.errors import AfterSaleError
from cart.aftersale.models import Cancellation, Return
from cart.checkout.checkout_request import Agreement, CheckoutRequest, destination_in, make_review_key
from cart.checkout.errors import AlreadyPaidError, CheckoutError, DraftExpiredError, PaymentError
from cart.checkout.finalise import finalise
from cart.checkout.payments.sandbox import services as bank
from cart.checkout.payments.sandbox.cards import CardBehaviour
from cart.checkout.payments.sandbox.models import Charge
from cart.checkout.services import start_payment
from cart.checkout.sweeping import sweep_checkouts
from cart.models import Cart
from cart.orders.models import Consignment, Order, OrderLine, Payment, Refund
from cart.orders.packing import StaleConsignmentError, transition_consignment
from cart.orders.refunds import RefundError
from cart.services import NotForSaleError, add_line, change_quantity
from cart.summary import summarise_cart
from mall.accounts.models import User
from sessions_farm.communities.models import Visitor
from sessions_farm.communities.visitors.merging import merge_visitors
from tests.support import reconciliation, unreliable_gateway
from tests.support.shop import ADDRESS, add_goods, make_shop, put, set_tariff, visitor_with
from vendors import ledger
from vendors.delivery import DeliveryMethod
from vendors.models import DeliveryZone, Stock, StockHold, StockMovement, Variant, Vendor
from vendors.stock import SoldOutError

BOOKKEEPING = ("SAVEPOINT", "RELEASE", "ROLLBACK")
LONG = timedelta(hours=3)  # no hold and no wait for the next look lasts as long
SWEEPS = 4  # after so many, a long time apart, nothing may be under way
USUAL, DEARER = 1000, 1200  # prices
OTHER_AMOUNT = ": refunding"  # the error in the log where the bank took another amount


class KilledError(BaseException):
    """The process is gone; no handler of an error sees it."""


@dataclass
class Tab:
    """A review page: what its button asks to agree to, and the pieces that it shows."""

    review_key: str
    agreed: Agreement
    pieces: dict[int, int]


@dataclass
class Person:
    """A browser with its session; both tabs share the session."""

    visitor: Visitor
    token: str
    line1: str = ADDRESS["line1"]
    is_express: bool = False
    methods: dict[int, DeliveryMethod] = field(default_factory=dict)
    tabs: dict[int, Tab] = field(default_factory=dict)

    @property
    def contact(self):
        return ADDRESS | {"line1": self.line1}


@dataclass
class Mall:
    """What each example begins with: a shopper on the way to pay, whose other tab shows a price from before it fell."""

    vendors: list[Vendor]
    variants: list[Variant]
    account: Visitor
    people: dict[str, Person]
    at: datetime  # when each example begins: its holds may not lapse by how long other examples took
    pages: dict[str, int] = field(default_factory=dict)  # as in World


def make_mall() -> Mall:
    shop = make_shop()
    lamp = add_goods(shop, "amber", "Lamp", on_hand=2)
    vase = add_goods(shop, "basalt", "Vase", on_hand=2)
    account = Visitor.objects.create(
        community=shop.community, user=User.objects.create_user("anna@example.org", "secret", name="Anna")
    )
    put(account, lamp)
    shopper = visitor_with(shop, lamp=(lamp, 1), vase=(vase, 1))
    people = {"shopper": Person(shopper, "token 1"), "rival": Person(visitor_with(shop, lamp=(lamp, 1)), "token 2")}
    mall = Mall(list(shop.vendors.values()), [lamp, vase], account, people, timezone.now())
    with closing(World(mall)) as world:
        world.price(0, (DEARER, None))
        world.review("shopper", 1)
        world.price(0, (USUAL, None))
        for name in people:
            world.review(name, 0)
        world.pay("shopper", 0)
    return replace(mall, people=world.people, pages=world.pages)


class World:
    """One example; ``close`` ends it."""

    def __init__(self, mall: Mall):
        self.mall = mall
        self.people = deepcopy(mall.people)
        self.pages = dict(mall.pages)  # for each payment page, by its charge's token, the least that was agreed to
        self.tokens = 2
        self.amounts_differ = False
        self.stack = ExitStack()
        self.clock = self.stack.enter_context(time_machine.travel(mall.at, tick=False))
        self.errors = self.stack.enter_context(logged_errors())

    def close(self):
        self.stack.close()

    # Shoppers

    def put(self, name, variant):
        person = self.people[name]
        try:
            add_line(visitor=person.visitor, variant_id=self.variant(variant).pk, quantity=1, now=timezone.now())
        except NotForSaleError:
            pass
        except SoldOutError as error:
            self.expect_sold_out(person, error)

    def change(self, name, variant, quantity):
        person = self.people[name]
        cart = Cart.objects.filter(visitor=person.visitor).first()
        if cart is None:
            return
        try:
            change_quantity(cart=cart, variant_id=self.variant(variant).pk, quantity=quantity, now=timezone.now())
        except SoldOutError as error:
            self.expect_sold_out(person, error)

    def correct(self, name, line1, is_express):
        """Another address or speed, in the session of all tabs."""
        person = self.people[name]
        person.line1, person.is_express = line1, is_express

    def review(self, name, tab):
        """Open the review page, as ``cart.checkout.views`` does."""
        person = self.people[name]
        summary = summarise_cart(person.visitor, destination_in(person.contact), timezone.now())
        if not summary.is_buyable:
            person.tabs.pop(tab, None)
            return
        person.methods = {
            group.vendor.pk: DeliveryMethod.EXPRESS
            if person.is_express and group.tariff.offers(DeliveryMethod.EXPRESS)
            else DeliveryMethod.STANDARD
            for group in summary.groups
        }
        wish = self.request(person, Tab("", Agreement(0, {}, {}), {})).wish
        if Order.objects.filter(wish=wish, state__in=[Order.State.PLACED, Order.State.CANCELLED]).exists():
            self.renew_token(person)
        drafts = summary.drafts(person.methods)
        person.tabs[tab] = Tab(
            make_review_key(person.token, drafts, person.contact),
            Agreement.of_drafts(drafts),
            {line.variant.pk: line.quantity for line in summary},
        )

    def pay(self, name, tab, accident=None):
        """Press the button of a review page, as ``cart.checkout.payment_views.pay`` does."""
        person = self.people[name]
        if tab not in person.tabs:
            return
        request = self.request(person, person.tabs[tab])
        paid = self.paid_by(person)
        try:
            with self.accident(accident) as happened:
                url = start_payment(visitor=person.visitor, user=None, checkout_request=request, now=timezone.now())
        except KilledError:
            return
        except DraftExpiredError:
            self.renew_token(person)
        except (CheckoutError, SoldOutError) as error:
            self.expect_reason(person, error, happened)
            if isinstance(error, AlreadyPaidError):
                return
        else:
            self.led_on(person.tabs[tab], request, url)
            if url is None:
                return
        assert accident or self.paid_by(person) == paid, "found to be paid, and not told so"

    def check_out_elsewhere(self, name, tab):
        """Check the same cart out in another browser, whose session does not know of the first checkout."""
        self.renew_token(self.people[name])
        self.review(name, tab)
        self.pay(name, tab)

    @staticmethod
    def paid_by(person):
        """The orders of a shopper that a payment placed."""
        return set(
            Payment.objects.filter(order__visitor=person.visitor.pk, state="captured").values_list("order", flat=True)
        )

    def fill_again_and_pay(self, name, tab, accident=None):
        """Put the goods of an open review page into the cart again, go back to the page, and press its button."""
        person = self.people[name]
        for variant_id, pieces in person.tabs[tab].pieces.items() if tab in person.tabs else ():
            with suppress(NotForSaleError, SoldOutError):
                cart = add_line(visitor=person.visitor, variant_id=variant_id, quantity=pieces, now=timezone.now())
                if cart.quantity != pieces:
                    self.change(name, self.number_of(variant_id), pieces)
        self.pay(name, tab, accident)

    def expect_reason(self, person, error, happened):
        """Look at whether what the shopper is told is so."""
        match error:
            case AlreadyPaidError():
                assert Order.objects.get(pk=error.order.pk).state == Order.State.PLACED, "said to be paid, and is not"
            case SoldOutError():
                self.expect_sold_out(person, error)
            case PaymentError():
                assert happened, "nothing is wrong with the payment company"

    def led_on(self, tab, request, url):
        """Look at where the browser was led to."""
        if url is None:
            order = Order.objects.get(idempotency_key=request.order_key)
            assert order.state != Order.State.DRAFT, "led to an order that nobody paid"
            if order.state == Order.State.PLACED:
                assert order.total <= tab.agreed.total, f"{order.total} taken, {tab.agreed.total} agreed"
            return
        token = url.rstrip("/").rpartition("/")[2]
        charge = Charge.objects.get(token=token)
        order = Order.objects.get(payments__reference=charge.reference)
        assert 0 < charge.amount <= tab.agreed.total, f"{charge.amount} charged, {tab.agreed.total} agreed"
        assert order.quantities() == tab.pieces, "other goods than were reviewed"
        for line in OrderLine.objects.filter(consignment__order=order):
            assert line.unit_price <= tab.agreed.prices[line.variant_id], f"{line} is dearer than was agreed"
        assert not Order.objects.placed().filter(wish=request.wish).exists(), "asked to pay for what is paid"
        assert order.line1 == request.contact["line1"], "another address than was reviewed"
        self.pages[token] = min(tab.agreed.total, self.pages.get(token, tab.agreed.total))

    def sign_in(self, accident):
        """Go on as the account's visitor, whose cart holds something too."""
        person = self.people["shopper"]
        try:
            with self.accident(accident):
                merge_visitors(source=person.visitor, target=self.mall.account, now=timezone.now())
        except KilledError:
            return
        person.visitor = self.mall.account

    # The bank

    def card(self, page, behaviour):
        if token := self.page(page):
            bank.charge_card(token=token, behaviour=behaviour, now=timezone.now())

    def answer_bank(self, page, is_confirmed):
        if token := self.page(page):
            bank.answer_challenge(token=token, confirmed=is_confirmed, now=timezone.now())

    def leave_page(self, page):
        if token := self.page(page):
            bank.abandon_charge(token=token, now=timezone.now())

    def charge_less(self, page):
        """Let the bank take another amount than it was asked for."""
        if token := self.page(page):
            Charge.objects.filter(token=token, state=Charge.State.OPEN).update(amount=1)
            self.amounts_differ = True

    def take_in_spite(self, page):
        """Let the bank take the money of a charge that it had said was over, and tell."""
        over = [Charge.State.CANCELLED, Charge.State.DECLINED]
        token = self.page(page)
        if Charge.objects.filter(token=token, state__in=over).update(state=Charge.State.CAPTURED):
            self.notice(page)

    def pay_and_stay(self, page):
        """Pay, and never come back from the bank's page: the notice settles it, and the session has the checkout."""
        self.card(page, CardBehaviour.PAYS)
        self.notice(page)

    def notice(self, page, accident=None):
        """The bank's notice comes before the browser."""
        self.come_back(page, accident, is_browser=False)

    def come_back(self, page, accident=None, *, is_browser=True):
        """Return from the bank's page."""
        if not (token := self.page(page)):
            return
        charge = Charge.objects.get(token=token)
        payment = Payment.objects.get(reference=charge.reference)
        try:
            with self.accident(accident) as happened:
                order = finalise(payment=payment, now=timezone.now())
        except KilledError:
            return
        except PaymentError:
            assert happened, "nothing is wrong with the payment company"
            return
        for person in self.people.values():
            if is_browser and order.state == Order.State.PLACED and order.visitor_id == person.visitor.pk:
                self.renew_token(person)

    # Staff

    def price(self, variant, prices):
        Variant.objects.filter(pk=self.variant(variant).pk).update(price=prices[0], sale_price=prices[1])

    def reprice(self, lamp, vase):
        """Both prices at once: one may fall more than the other rises."""
        self.price(0, (lamp, None))
        self.price(1, (vase, None))

    def give_away(self):
        """Nothing costs anything, and its delivery neither."""
        Variant.objects.update(price=USUAL, sale_price=0)
        DeliveryZone.objects.update(standard_charge=0, express_charge=0)

    def tariff(self, vendor, charges):
        """Change what a vendor charges; without any charge it delivers no more."""
        standard, express = charges
        set_tariff(self.mall.vendors[vendor], standard_charge=standard, express_charge=express)

    def count(self, variant, pieces):
        ledger.count({self.variant(variant).pk: pieces}, why="Counted", now=timezone.now())

    def withdraw(self, variant, is_withdrawn):
        Variant.objects.filter(pk=self.variant(variant).pk).update(withdrawn=is_withdrawn)

    def delete(self, variant):
        try:
            Variant.objects.filter(pk=self.variant(variant).pk).delete()
        except ProtectedError:
            reference = StockHold.objects.filter(variant=self.variant(variant).pk)
            assert reference.exists() or StockMovement.objects.exists() or Order.objects.exists()

    # After the sale

    def cancel(self, number, part, key, accident=None):
        """Cancel a piece, a shop's goods or all of an order that was placed; a key that was used changes nothing."""
        if (order := self.sold(number)) is None:
            return
        before = Cancellation.objects.filter(order=order, key=key).first()
        line = OrderLine.objects.filter(consignment__order=order).first()
        said = {"key": key, "now": timezone.now()}
        acts = {
            "piece": lambda: cancelling.cancel_lines(order_id=order.pk, pieces={line.pk: 1}, why="Broken", **said),
            "shopper": lambda: cancelling.cancel_as_shopper(order_id=order.pk, pieces={line.pk: 1}, **said),
            "shop": lambda: cancelling.cancel_consignment(
                consignment_id=line.consignment_id, why="Out of stock", **said
            ),
            "order": lambda: cancelling.cancel_order(order_id=order.pk, why="Not wanted", **said),
        }
        self.after_sale(acts[part], accident, before=before)

    def refund(self, number, amount, key, accident=None):
        """Give money back without goods."""
        if (order := self.sold(number)) is None:
            return
        before = Refund.objects.filter(key=f"{order.number}-{key}").first()

        def act():
            return refunding.refund_amount(order_id=order.pk, amount=amount, key=key, why="Late", now=timezone.now())

        self.after_sale(act, accident, before=before)

    def send(self, number):
        """Send the first goods of an order that are not sent."""
        order = self.sold(number)
        consignment = Consignment.objects.filter(order=order, state=Consignment.State.OPEN).first()
        if consignment is not None:
            transition_consignment(consignment_id=consignment.pk, to=Consignment.State.SENT, now=timezone.now())

    def send_back(self, number, key, accident=None):
        """Return a piece of what was sent; the shop takes it."""
        order = self.sold(number)
        line = OrderLine.objects.filter(consignment__order=order, consignment__state=Consignment.State.SENT).first()
        if line is None:
            return
        before = Return.objects.filter(consignment=line.consignment_id, key=key).first()

        def ask():
            return returning.ask_return(
                consignment_id=line.consignment_id, pieces={line.pk: 1}, key=key, why="Too small", now=timezone.now()
            )

        asked = self.after_sale(ask, accident, before=before)
        if asked is not None:
            said = {"return_id": asked.pk, "user": None, "now": timezone.now()}
            self.after_sale(lambda: returning.accept_return(answer="By post.", **said))
            self.after_sale(lambda: returning.receive_return(is_sellable=True, **said), accident)

    def after_sale(self, act, accident=None, *, before=None):
        """Do it; ``before`` is what its key was used for already, and is found again."""
        try:
            with self.accident(accident):
                found = act()
        except (KilledError, AfterSaleError, RefundError, StaleConsignmentError):
            return None
        assert before is None or found == before, "once more under the same key"
        return found

    # Time

    def wait(self, minutes):
        self.clock.shift(timedelta(minutes=minutes))

    def sweep(self, accident=None):
        try:
            with self.accident(accident):
                sweep_checkouts(now=timezone.now())
        except KilledError:
            return

    def come_to_rest(self):
        """Let everybody go, and the sweeper work; nothing may be left."""
        for _ in range(SWEEPS):
            self.clock.shift(LONG)
            sweep_checkouts(now=timezone.now())
            if not (wrong := reconciliation.wrong_at_rest()):
                break
        assert wrong == []
        kept = Charge.objects.filter(state=Charge.State.CAPTURED)
        for charge in kept:
            assert charge.amount <= self.pages[charge.token], f"{charge} took more than was agreed"

    def expect_sound(self):
        assert reconciliation.wrong_now() == []
        assert [error for error in self.errors if not (self.amounts_differ and OTHER_AMOUNT in error)] == []

    # Parts

    def page(self, number):
        """The token of a payment page, if there is any."""
        tokens = list(self.pages)
        return tokens[number % len(tokens)] if tokens else None

    def sold(self, number):
        """An order that was placed, if there is any."""
        orders = list(Order.objects.filter(placed_at__isnull=False).order_by("pk"))
        return orders[number % len(orders)] if orders else None

    def number_of(self, variant_id):
        return next(number for number, variant in enumerate(self.mall.variants) if variant.pk == variant_id)

    def variant(self, number):
        return self.mall.variants[number]

    def request(self, person, tab):
        return CheckoutRequest(
            review_key=tab.review_key,
            agreed=tab.agreed,
            token=person.token,
            contact=person.contact,
            methods=person.methods,
        )

    def renew_token(self, person):
        self.tokens += 1
        person.token = f"token {self.tokens}"

    def expect_sold_out(self, person, error):
        """Nobody is sold out to a hold of their own."""
        row = Stock.objects.filter(pk=error.variant_id, variant__withdrawn=False).first()
        others = Order.objects.exclude(visitor=person.visitor).values("uuid")
        live = StockHold.objects.filter(variant=error.variant_id, until__gt=timezone.now(), reference__in=others)
        free = (row.on_hand if row else 0) - (live.aggregate(pieces=Sum("quantity"))["pieces"] or 0)
        assert free < error.wanted, f"sold out to the shopper's own hold: {error}"

    @contextmanager
    def accident(self, accident):
        """Let something happen in the middle of an act; yield whether it did, as a list."""
        happened = []
        with ExitStack() as stack:
            if accident is not None:
                stack.enter_context(accident.under_way(self, happened))
            yield happened


@dataclass(frozen=True)
class Kill:
    """The process is killed before a statement to the database."""

    statement: int

    @contextmanager
    def under_way(self, world, happened):
        left = self.statement

        def execute(run, sql, params, many, context):
            nonlocal left
            if not sql.startswith(BOOKKEEPING):
                left -= 1
                if left == 0:
                    happened.append(self)
                    raise KilledError
            return run(sql, params, many, context)

        with connection.execute_wrapper(execute):
            yield


@dataclass(frozen=True)
class Line:
    """At a call of the gateway something happens: ``do`` is an act of the world, or None where the line is cut."""

    call: int
    is_answered: bool
    do: object = None

    @contextmanager
    def under_way(self, world, happened):
        left = self.call

        def hook(name, *, is_answered):
            nonlocal left
            if is_answered is not self.is_answered:
                return
            left -= 1
            if left == 0:
                happened.append(self)
                if self.do is None:
                    raise PaymentError("No answer.", permanent=False)
                name, *arguments = self.do
                getattr(world, name)(*arguments)

        with unreliable_gateway.line(hook):
            yield


@contextmanager
def logged_errors():
    """Collect what the checkout logs as errors: it goes on, and a person has to look."""
    records = []
    handler = logging.Handler(logging.ERROR)
    handler.emit = lambda record: records.append(record.getMessage() + str(record.exc_info or ""))
    logger = logging.getLogger("cart")
    logger.addHandler(handler)
    try:
        yield records
    finally:
        logger.removeHandler(handler)
