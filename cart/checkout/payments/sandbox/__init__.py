"""A simulated payment company, for the demo and the tests.

Exceptions::

    Exception
    └── SignatureError                 sandbox.signing: a signature or its timestamp is invalid
"""
