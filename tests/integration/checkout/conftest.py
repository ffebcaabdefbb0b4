"""A mall to buy in, and its simulated bank."""

import pytest
from django.utils import timezone

from cart.checkout.payments.sandbox import services
from cart.checkout.payments.sandbox.cards import CardBehaviour
from cart.checkout.payments.sandbox.models import Charge
from tests.support.shop import make_shop


@pytest.fixture
def shop(db):
    return make_shop()


@pytest.fixture
def committed_shop(transactional_db):
    """The same, visible to other threads."""
    return make_shop()


@pytest.fixture
def pay_with():
    """Pay with a card of that behaviour; return the charge."""

    def use(payment, behaviour=CardBehaviour.PAYS):
        charge = Charge.objects.get(reference=payment.reference)
        return services.charge_card(token=charge.token, behaviour=behaviour, now=timezone.now())

    return use
