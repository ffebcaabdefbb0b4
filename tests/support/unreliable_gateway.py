"""A payment company that is away on demand: the sandbox behind a line that a test cuts, before or after each call."""

from collections.abc import Callable
from contextlib import contextmanager
from functools import partial

from cart.checkout.errors import PaymentError
from cart.checkout.payments.sandbox.gateway import Gateway as Sandbox

NAME = "unreliable"
PATH = f"{__name__}.Gateway"
CALLS = ("start", "fetch", "cancel", "refund")


def sound(name: str, *, is_answered: bool) -> None:
    """A line that carries every call and every answer."""


class Gateway:
    """Satisfies payments.base.Gateway. ``line`` is called before each call and before its answer; what it raises cuts.

    A call that is cut never reaches the company; a cut answer leaves its work done.
    """

    name = NAME
    line: Callable[..., None] = staticmethod(sound)

    def __init__(self):
        self.company = Sandbox()

    def __getattr__(self, name):
        member = getattr(self.company, name)
        return partial(self.carry, name, member) if name in CALLS else member

    @staticmethod
    def carry(name, call, *args, **options):
        Gateway.line(name, is_answered=False)
        answer = call(*args, **options)
        Gateway.line(name, is_answered=True)
        return answer


@contextmanager
def line(hook):
    """Let calls go over a line of the test's while the block lasts."""
    before, Gateway.line = Gateway.line, staticmethod(hook)
    try:
        yield
    finally:
        Gateway.line = staticmethod(before)


def cut(*, answer):
    """Cut the line while the block lasts: before each call, or before each answer, when the work is done."""

    def hook(_name, *, is_answered):
        if is_answered is answer:
            raise PaymentError("No answer.", permanent=False)

    return line(hook)
