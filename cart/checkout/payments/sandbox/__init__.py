"""A simulated payment company, for the demo and the tests.

Exceptions::

    Exception
    ├── RefundRefusedError             sandbox.services: the charge is not paid, or would give back more than was paid
    └── SignatureError                 sandbox.signing: a signature or its timestamp is invalid
"""
