"""The forked app's configuration."""

from oscar.apps.checkout import apps


class CheckoutConfig(apps.CheckoutConfig):
    """Name the forked checkout."""

    name = "tests.benchmarks.commerce.oscar.checkout"
